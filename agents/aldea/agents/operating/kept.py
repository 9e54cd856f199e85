"""Which commands this device has had, and what it said of them: a small file, so that each is carried out once."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from aldea.agents.operating.answers import answer_text, as_json, read_answer
from aldea.agents.operating.handler import Outcome, State
from aldea.model.messages import Command

NAME = "operating.sqlite"
KEPT_MOST = 200
"""How many commands that are over are remembered; the oldest go first."""

_LOG = logging.getLogger(__name__)
_Found = TypeVar("_Found")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS command (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    expires_ms INTEGER NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class KeptCommand:
    """A command with the last word on it. The payload of one that is over is gone: it may hold what is not to stay."""

    command: Command
    last: Outcome


class KeptCommands:
    """The file. Its methods block: call them in a thread, one at a time. Raise sqlite3.Error when the disk refuses.

    A file that is damaged is begun anew: a command may then be carried out a second time, which is said in the log.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def find(self, command_id: str) -> KeptCommand | None:
        """Return one command, or None."""
        found = self._rows("WHERE id = ?", command_id)
        return found[0] if found else None

    def unfinished(self) -> list[KeptCommand]:
        """Return what is not over, in the order it came."""
        return [item for item in self._rows("ORDER BY number") if not item.last.state.is_over]

    def is_overtaken(self, command_id: str) -> bool:
        """Say whether another command of its kind, that is not over, has come after it.

        False where the disk does not tell just now: an upgrade asks again and again for days, and is not to end for
        that. For any thread: it puts nothing aside.
        """
        over = tuple(state.value for state in State if state.is_over)
        query = (
            "SELECT EXISTS (SELECT 1 FROM command AS mine JOIN command AS other ON other.kind = mine.kind "  # noqa: S608
            f"WHERE mine.id = ? AND other.number > mine.number AND other.state NOT IN ({', '.join('?' * len(over))}))"
        )  # only question marks are put in
        try:
            return bool(self._once(lambda db: db.execute(query, (command_id, *over)).fetchone())[0])
        except (sqlite3.Error, OSError) as error:
            _LOG.warning("whether a newer command has come than %s is not known just now: %s", command_id[:64], error)
            return False

    def newest(self, count: int) -> list[KeptCommand]:
        """Return the newest, the newest first."""
        return self._rows("ORDER BY number DESC LIMIT ?", count)

    def add(self, command: Command, last: Outcome) -> None:
        """Keep a new command."""
        content = "" if last.state.is_over else as_json(command.payload)
        values = (command.id, command.kind, command.expires_ms, content, last.state.value, answer_text(last.detail))
        over = tuple(state.value for state in State if state.is_over)
        places = ", ".join("?" * len(over))

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR IGNORE INTO command (id, kind, expires_ms, payload, state, detail) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
            db.execute(
                "DELETE FROM command WHERE number IN "  # noqa: S608 - only question marks are put in
                f"(SELECT number FROM command WHERE state IN ({places}) ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (*over, KEPT_MOST),
            )

        self._do(work)

    def note(self, command_id: str, last: Outcome) -> None:
        """Keep the last word on a command."""
        gone = ", payload = ''" if last.state.is_over else ""
        query = f"UPDATE command SET state = ?, detail = ?{gone} WHERE id = ?"  # noqa: S608 - a constant
        values = (last.state.value, answer_text(last.detail), command_id)
        self._do(lambda db: db.execute(query, values).close())

    def _rows(self, rest: str, *values: Any) -> list[KeptCommand]:
        query = f"SELECT id, kind, expires_ms, payload, state, detail FROM command {rest}"  # noqa: S608 - constants
        return [_kept(*row) for row in self._do(lambda db: db.execute(query, values).fetchall())]

    def _do(self, work: Callable[[sqlite3.Connection], _Found]) -> _Found:
        """Do one piece of work in a transaction; again with a new file where this one shows to be damaged."""
        try:
            return self._once(work)
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:  # those below it tell of something else: a lock, a full disk
                raise
            self._put_aside(error)
        return self._once(work)

    def _once(self, work: Callable[[sqlite3.Connection], _Found]) -> _Found:
        self._path.touch(mode=0o600, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=10)) as db, db:
            db.execute(_SCHEMA)
            return work(db)

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        _LOG.error("%s is damaged and begun anew (%s): a command may come a second time", self._path, error)
        with suppress(OSError):
            self._path.replace(self._path.with_suffix(".damaged"))
        with suppress(OSError):  # a journal of the old file would spoil the new one
            self._path.with_name(f"{NAME}-journal").unlink()


def _kept(*row: Any) -> KeptCommand:
    command_id, kind, expires_ms, payload, state, detail = row
    command = Command(command_id, kind, {}, expires_ms)
    with suppress(ValueError):
        command = replace(command, payload=json.loads(payload) if payload else {})
    return KeptCommand(command, Outcome(State(state), read_answer(detail)))
