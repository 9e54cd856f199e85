"""How far each follower has come, in a file of its own, so that noting it never waits for the journal."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Cursors:
    """Positions of followers, and at which offset each boot's rows were written. Safe between threads.

    Losing the newest change in a power cut is harmless: what is behind a cursor is written again, and
    writing again changes nothing.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(
            "CREATE TABLE IF NOT EXISTS cursor (consumer TEXT PRIMARY KEY, position INTEGER NOT NULL);"
            "CREATE TABLE IF NOT EXISTS written (boot INTEGER PRIMARY KEY, offset_ms INTEGER NOT NULL);"
            "CREATE TABLE IF NOT EXISTS refused (position INTEGER PRIMARY KEY, sentence TEXT NOT NULL);"
        )
        self._positions: dict[str, int] = dict(self._db.execute("SELECT consumer, position FROM cursor"))
        self._written: dict[int, int] = dict(self._db.execute("SELECT boot, offset_ms FROM written"))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def position(self, consumer: str) -> int:
        """Return how far `consumer` has come; 0 at the beginning."""
        with self._lock:
            return self._positions.get(consumer, 0)

    def advance(self, consumer: str, position: int) -> None:
        """Note that `consumer` has dealt with everything up to `position`."""
        with self._lock:
            self._db.execute(
                "INSERT INTO cursor VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
                (consumer, position),
            )
            self._positions[consumer] = position

    def written_offset(self, boot: int) -> int | None:
        """Return the offset at which a boot's rows are in the series store; None: they are not."""
        with self._lock:
            return self._written.get(boot)

    def set_written_offset(self, boot: int, offset_ms: int) -> None:
        """Note the offset at which a boot's rows are written from now on."""
        with self._lock:
            self._db.execute(
                "INSERT INTO written VALUES (?, ?) ON CONFLICT DO UPDATE SET offset_ms = excluded.offset_ms",
                (boot, offset_ms),
            )
            self._written[boot] = offset_ms

    def note_refused(self, position: int, sentence: str) -> None:
        """Note an entry that the series store will never take; it stays in the journal."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO refused VALUES (?, ?)", (position, sentence[:500]))

    def refused(self) -> list[tuple[int, str]]:
        """Return (position, what the store said) of the entries it would not take."""
        with self._lock:
            return list(self._db.execute("SELECT position, sentence FROM refused ORDER BY position"))
