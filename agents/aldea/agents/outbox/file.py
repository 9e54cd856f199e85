"""The outbox's file while it is open: who may use it, what it remembers, and what happens when it is damaged."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import TypeVar

from aldea.agents.outbox import limits as caps
from aldea.agents.outbox import start
from aldea.agents.outbox.database import NAME, Origin, begin_anew, open_database, transaction
from aldea.agents.outbox.errors import is_damage, is_no_room, is_spoilt, unavailable
from aldea.agents.outbox.records import Before, Boot, Limits, Machine, OutboxUnavailable, Stats, Stopped
from aldea.agents.outbox.reserve import Reserve, Span
from aldea.agents.outbox.selection import boot_of
from aldea.agents.outbox.writing import insert
from aldea.model.intervals import IntervalSet, Range
from aldea.model.wire import Anchor

_LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


class OutboxFile:
    """Opens the file, numbers the boot, writes the `boot` row; guards every use against a damaged file."""

    _db: sqlite3.Connection
    _epoch: tuple[int, str]
    _boot: Boot
    _connection: int

    def __init__(
        self, folder: Path, machine: Machine, mono_ms: int, limits: Limits | None = None, reserve: Reserve | None = None
    ) -> None:
        self._folder = folder
        self._machine = machine
        self._limits = limits or Limits()
        self._reserve = reserve or Reserve(folder / "outbox.reserve")
        self._lock = threading.RLock()
        self._settled: dict[str, IntervalSet] = {}
        self.acknowledged: list[Callable[[str, tuple[Range, ...]], None]] = []
        """Called with an epoch and seqs that are safe elsewhere, before they are deleted here. They must not raise."""
        self._last_mono_ms = mono_ms
        self._age_checked_ms = mono_ms
        self._broken: Origin | None = None
        self._open(mono_ms)

    @property
    def epoch(self) -> str:
        """The epoch that new rows belong to."""
        return self._epoch[1]

    @property
    def boot(self) -> Boot:
        """This boot, with its anchor once known."""
        return self._boot

    def next_connection(self, wall_ms: int) -> int:
        """Return the number of a new connection: larger than any before, even when the file is a new one.

        Seconds since 1970 are the least it can be, so that a machine that lost its outbox still goes on
        upwards. Never raises for want of room.
        """
        with self._lock:
            number = max(self._connection + 1, wall_ms // 1000)
            self._connection = number
            with suppress(OutboxUnavailable):
                self._guarded(lambda: start.set_meta(self._db, "connection", self._connection))
            return number

    def set_anchor(self, anchor: Anchor | None) -> None:
        """Remember this boot's anchor, so that a later boot can still say when its rows were. Never raises.

        None forgets one that was found wrong.
        """
        with self._lock:
            self._boot = Boot(self._boot.number, self._boot.boot_id, anchor)
            content = None if anchor is None else json.dumps(astuple(anchor))
            with suppress(OutboxUnavailable):
                self._guarded(
                    lambda: self._db.execute(
                        "UPDATE boot SET anchor = ? WHERE number = ?", (content, self._boot.number)
                    )
                )

    def stats(self) -> Stats:
        """Return how full the outbox is."""
        return self._run(
            lambda: Stats(
                int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0]),
                caps.used_bytes(self._db),
                int(self._db.execute("SELECT count(*) FROM dead_letter").fetchone()[0]),
            )
        )

    def before(self) -> Before | None:
        """Return the machine's boot before this one while more is to be told of it; None when all has been told."""
        return self._run(self._before)

    def _before(self) -> Before | None:
        number = start.get_meta(self._db, start.FOLLOW_UP_DUE)
        if number is None:
            return None
        return Before(boot_of(self._db, number), start.get_meta(self._db, start.PREVIOUS_LAST_MONO))

    def told_before(self) -> None:
        """Note that all has been told of the boot before this one. Never raises: it is then told twice."""
        with self._lock, suppress(OutboxUnavailable):
            self._guarded(lambda: start.set_meta(self._db, start.FOLLOW_UP_DUE, None))

    def close(self, stopped: Stopped = Stopped.CUT_OFF) -> None:
        """Close the file; `stopped` notes how the agent ended. Never raises."""
        with self._lock, suppress(sqlite3.Error):
            if stopped is not Stopped.CUT_OFF:
                with suppress(sqlite3.Error):
                    start.set_meta(self._db, start.CLEAN, int(stopped))
            self._db.close()

    def _open(self, mono_ms: int) -> None:
        """Open the file and register the start; what cannot be made sense of is put aside, once."""
        try:
            self._register(*open_database(self._folder, self._machine.hardware_id), mono_ms)
        except (sqlite3.Error, ValueError, TypeError) as error:
            self._db.close()
            if isinstance(error, sqlite3.Error) and not is_spoilt(error):
                raise unavailable(self._folder / NAME, error) from error
            _LOG.error("the outbox makes no sense: %s", error)
            self._begin_again(mono_ms)

    def _begin_again(self, mono_ms: int) -> None:
        """Put the file aside and register the start in a new one. Raises OutboxUnavailable."""
        try:
            db = begin_anew(self._folder / NAME, self._machine.hardware_id, Origin.CORRUPT)
            self._register(db, Origin.CORRUPT, mono_ms)
        except (sqlite3.Error, OSError) as error:
            self._db.close()
            raise unavailable(self._folder / NAME, error) from error

    def _register(self, db: sqlite3.Connection, origin: Origin, mono_ms: int) -> None:
        self._db = db
        self._epoch = self._current_epoch()
        with transaction(db):
            self._boot, told = start.register_start(
                db,
                self._machine,
                self._broken or origin,
                mono_ms,
                again=self._broken is not None,
                unopened=self._unopened(),
            )
            insert(db, self._epoch[0], self._boot.number, [told], mono_ms)
            self._connection = start.get_meta(db, "connection") or 0

    def _unopened(self) -> Sequence[Span]:
        """Within a transaction: return, once, what the reserve told at first of starts that could not open the file."""
        told, seen = (start.get_meta(self._db, name) for name in (start.RESERVE_TOLD, start.RESERVE_SEEN))
        start.set_meta(self._db, start.RESERVE_SEEN, self._reserve.found_generation)
        self._reserve.go_on_after(told or 0)
        return () if self._reserve.found_generation in {told, seen} else self._reserve.found

    def _current_epoch(self) -> tuple[int, str]:
        row = self._db.execute("SELECT id, name FROM epoch ORDER BY id DESC LIMIT 1").fetchone()
        return int(row[0]), str(row[1])

    def _run(self, work: Callable[[], Result]) -> Result:
        with self._lock:
            return self._guarded(work)

    def _guarded(self, work: Callable[[], Result]) -> Result:
        if self._broken is not None:
            self._renew()
        try:
            return work()
        except sqlite3.Error as error:
            if is_no_room(error):
                raise unavailable(self._folder / NAME, error) from error
            if not is_damage(error):
                raise
            _LOG.error("the outbox is damaged: %s", error)
        self._renew()
        try:
            return work()
        except sqlite3.Error as error:
            raise unavailable(self._folder / NAME, error) from error

    def _renew(self) -> None:
        """Begin a new file after damage; where the disk does not allow it now, the next use tries again."""
        if self._broken is None:
            self._broken = Origin.CORRUPT
            with suppress(sqlite3.Error):
                self._db.close()
        anchor, connection = self._boot.anchor, self._connection
        if (self._folder / NAME).exists():
            self._begin_again(self._last_mono_ms)
        else:
            self._open(self._last_mono_ms)
        self._broken = None
        self._settled.clear()
        self._connection = max(connection, self._connection)
        if anchor is not None:
            self.set_anchor(anchor)
