"""How far each follower has come, in a file of its own, so that noting it never waits for the journal."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_TABLES = """
CREATE TABLE IF NOT EXISTS journal (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cursor (consumer TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS written (boot INTEGER PRIMARY KEY, offset_ms INTEGER NOT NULL, estimated INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS moving (boot INTEGER, offset_ms INTEGER, PRIMARY KEY (boot, offset_ms));
CREATE TABLE IF NOT EXISTS refused (position INTEGER PRIMARY KEY, sentence TEXT NOT NULL);
"""

BOOTS = "boots"
"""The consumer that follows the boots' versions instead of positions, for the series store."""

FEED_BOOTS = "feed_boots"
"""The same for the register."""

_BY_VERSION = (BOOTS, FEED_BOOTS)


@dataclass(frozen=True, slots=True)
class Written:
    """Where in time a boot's rows are in the series store."""

    offset_ms: int
    estimated: bool


class Cursors:
    """Positions of followers, and at which offset each boot's rows were written. Safe between threads.

    Losing the newest positions in a power cut is harmless: what is behind a cursor is written again, and writing
    again changes nothing. Offsets are on disk before anything depends on them: a row at a forgotten
    time would stay there. The file belongs to one journal; with another, boots and their offsets are begun anew.
    """

    def __init__(self, path: Path, journal_id: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)
        known = self._db.execute("SELECT id FROM journal").fetchone()
        if known != (journal_id,):
            self._begin_anew(journal_id)
        self._positions: dict[str, int] = dict(self._db.execute("SELECT consumer, position FROM cursor"))
        rows = self._db.execute("SELECT boot, offset_ms, estimated FROM written")
        self._written = {boot: Written(offset, bool(estimated)) for boot, offset, estimated in rows}

    def _begin_anew(self, journal_id: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for table in ("journal", "written", "moving", "refused"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
        self._db.execute("DELETE FROM cursor WHERE consumer IN (?, ?)", _BY_VERSION)
        self._db.execute("INSERT INTO journal VALUES (?)", (journal_id,))
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def position(self, consumer: str) -> int:
        """Return how far `consumer` has come; 0 at the beginning."""
        with self._lock:
            return self._positions.get(consumer, 0)

    def furthest(self) -> int:
        """Return the highest position that any follower has come to."""
        with self._lock:
            return max((position for name, position in self._positions.items() if name not in _BY_VERSION), default=0)

    def advance(self, consumer: str, position: int) -> None:
        """Note that `consumer` has dealt with everything up to `position`."""
        with self._lock:
            self._db.execute(
                "INSERT INTO cursor VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
                (consumer, position),
            )
            self._positions[consumer] = position

    def written(self, boot: int) -> Written | None:
        """Return where in time a boot's rows are written; None: they are not, they wait."""
        with self._lock:
            return self._written.get(boot)

    def offsets(self, boot: int) -> set[int]:
        """Return every offset (ms) at which rows of a boot may stand; none: no row of it was ever written."""
        with self._lock:
            return self._offsets(boot)

    def begin_move(self, boot: int, offset_ms: int) -> list[int]:
        """Note, on disk, that rows of a boot may stand at `offset_ms` from now on; return where else they may."""
        with self._lock:
            with self._on_disk():
                self._db.execute("INSERT OR IGNORE INTO moving VALUES (?, ?)", (boot, offset_ms))
            return sorted(self._offsets(boot) - {offset_ms})

    def _offsets(self, boot: int) -> set[int]:
        found = {offset for (offset,) in self._db.execute("SELECT offset_ms FROM moving WHERE boot = ?", (boot,))}
        if boot in self._written:
            found.add(self._written[boot].offset_ms)
        return found

    def end_move(self, boot: int, place: Written) -> None:
        """Note, on disk, that all rows of a boot so far stand at this place, and that the next ones belong there."""
        self.end_moves({boot: place})

    def end_moves(self, places: Mapping[int, Written]) -> None:
        """Do what `end_move` does for several boots, with one wait for the disk."""
        if not places:
            return
        with self._lock:
            with self._on_disk():
                self._db.executemany("DELETE FROM moving WHERE boot = ?", [(boot,) for boot in places])
                self._db.executemany(
                    "INSERT OR REPLACE INTO written VALUES (?, ?, ?)",
                    [(boot, place.offset_ms, place.estimated) for boot, place in places.items()],
                )
            self._written.update(places)

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

    def note_refused(self, position: int, sentence: str) -> None:
        """Note an entry that the series store will never take; it stays in the journal."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO refused VALUES (?, ?)", (position, sentence[:500]))

    def refused(self) -> list[tuple[int, str]]:
        """Return (position, what the store said) of the entries it would not take."""
        with self._lock:
            return list(self._db.execute("SELECT position, sentence FROM refused ORDER BY position"))
