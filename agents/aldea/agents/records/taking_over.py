"""What an old box's facilitator had entered, into this box's book and roster: what is not here yet.

Versions whose rows lie in the outbox came along with it and wait there; the others are handed over as ever. The server
knows a version by its record and number, so one that had arrived before is stored once.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aldea.agents.records import book, roster
from aldea.agents.records.book import RecordBook
from aldea.agents.records.roster import Roster

_VERSION = (
    "record, version, form, form_version, programme, event_date, payload, withdrawn, reason, made_ms, token, state, "
    "epoch, seq, sentences"
)
_PERSON = "code, name, sex, age_band, gone"


@dataclass(frozen=True, slots=True)
class Taken:
    """How many versions of records, and how many people of the roster.

    `clashes`: people whose code somebody else has here; codes are for good, so they are left out. `damaged`: of one of
    the files not all can be read.
    """

    versions: int = 0
    people: int = 0
    clashes: int = 0
    damaged: bool = False


def count_new(folder: Path, old_book: Path | None, old_roster: Path | None) -> Taken:
    """Return what the copies of an old box's files hold that the data folder does not. Changes nothing."""
    versions, wrong_book = _rows(old_book, "version", _VERSION, "id")
    people, wrong_roster = _rows(old_roster, "person", _PERSON, "code")
    known = {row[:2] for row in _rows(folder / book.NAME, "version", "record, version", "id")[0]}
    here = dict(_rows(folder / roster.NAME, "person", "code, name", "code")[0])
    return Taken(
        sum(row[:2] not in known for row in versions),
        sum(code not in here for code, *_ in people),
        sum(here.get(code, name) != name for code, name, *_ in people),
        damaged=wrong_book or wrong_roster,
    )


def take_records(folder: Path, old_book: Path | None, old_roster: Path | None) -> Taken:
    """Bring in what is new; each file in one commit, so that it may be done again. Raises sqlite3.Error."""
    RecordBook(folder).close()  # which make the files where this box has none yet
    Roster(folder).close()
    versions = _bring(folder / book.NAME, old_book, "version", _VERSION, "id")
    people = _bring(folder / roster.NAME, old_roster, "person", _PERSON, "code")
    return Taken(versions, people)


def _rows(path: Path | None, table: str, columns: str, order: str) -> tuple[list[tuple[Any, ...]], bool]:
    """Return a file's rows in the order in which they were made, and whether some of them cannot be read.

    Of a damaged file: those before the damage, and those after it.
    """
    if path is None or not path.is_file() or path.stat().st_size == 0:
        return [], False
    found: dict[Any, tuple[Any, ...]] = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for direction in ("ASC", "DESC"):
            wanted = f"SELECT {order}, {columns} FROM {table} ORDER BY {order} {direction}"  # noqa: S608 - our own constants
            try:
                for key, *row in db.execute(wanted):
                    found[key] = tuple(row)
            except sqlite3.DatabaseError:
                continue
            return [found[key] for key in sorted(found)], direction == "DESC"
    return [found[key] for key in sorted(found)], True


def _bring(path: Path, old: Path | None, table: str, columns: str, order: str) -> int:
    found, _ = _rows(old, table, columns, order)
    if not found:
        return 0
    marks = ", ".join("?" for _ in columns.split(","))
    with closing(sqlite3.connect(path, timeout=10)) as here, here:
        before = here.total_changes
        # One that is here, or whose form was sent here already, stays as it is here.
        here.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", found)  # noqa: S608 - as above
        return here.total_changes - before
