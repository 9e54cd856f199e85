"""Writing the journal: one transaction a group of messages, on disk before anybody hears of it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aldea.collector.journal.entries import BootRow, EntryKind, NewEntry, SpanState, StreamRow
from aldea.collector.journal.quarantine import Quarantine
from aldea.collector.journal.schema import open_file
from aldea.model.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Journal(Quarantine):
    """The journal's writer. One thread uses it; every change happens inside `transaction`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = open_file(path)
        (self.id,) = self._db.execute("SELECT id FROM identity").fetchone()
        (self._boot_version,) = self._db.execute("SELECT coalesce(max(version), 0) FROM boot").fetchone()

    @property
    def database(self) -> sqlite3.Connection:
        """The file, for tables of a part of the collector: written inside `transaction`, as everything is."""
        return self._db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def start_after(self, position: int) -> None:
        """Let no entry get a position up to `position`: those were given by a journal that is no longer here."""
        with self.transaction():
            if self.last_position() < position:
                self._db.execute("DELETE FROM sqlite_sequence WHERE name = 'entry'")
                self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)", (position,))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, on disk, when the block ends; undo it all when it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # ---------------------------------------------------------------- entries

    def append(self, entry: NewEntry) -> int:
        """Write an entry and return its position. Rows that the journal has already are refused by the file."""
        cursor = self._db.execute(
            "INSERT INTO entry (kind, stream, boot, first_seq, last_seq, mono_low, mono_high,"
            " site, device, lane, arrival_ms, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.kind.value,
                entry.stream,
                entry.boot,
                entry.first_seq,
                entry.last_seq,
                entry.mono_low,
                entry.mono_high,
                entry.site,
                entry.device,
                entry.lane,
                entry.arrival_ms,
                entry.payload,
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def payloads(self, stream: int, first: int, last: int) -> list[bytes]:
        """Return the payloads of the entries that hold any of these seqs."""
        rows = self._db.execute(
            "SELECT payload FROM entry WHERE stream = ? AND first_seq <= ? AND first_seq >="
            " coalesce((SELECT max(first_seq) FROM entry WHERE stream = ? AND first_seq <= ?), 0)"
            " AND last_seq >= ? ORDER BY first_seq",
            (stream, last, stream, first, first),
        )
        return [payload for (payload,) in rows]

    def trim(self, up_to_position: int, up_to_boot_version: int, arrived_before_ms: int, limit: int = 5_000) -> int:
        """Delete old entries that every consumer has passed; their seqs stay known. Returns how many went.

        Entries of a boot whose time is not known, or whose change of time the series store has not followed yet
        (`up_to_boot_version`), stay: they have not been written there.
        """
        rows = self._db.execute(
            "SELECT position, stream, first_seq, last_seq FROM entry"
            " LEFT JOIN boot ON boot.id = entry.boot"
            " WHERE position <= ? AND arrival_ms < ?"
            " AND (boot IS NULL OR first_seq IS NULL OR (offset_ms IS NOT NULL AND version <= ?))"
            " ORDER BY position LIMIT ?",
            (up_to_position, arrived_before_ms, up_to_boot_version, limit),
        ).fetchall()
        for _, stream, first, last in rows:
            if stream is not None:
                self._join_trimmed(stream, first, last)
        self._db.executemany("DELETE FROM entry WHERE position = ?", [(row[0],) for row in rows])
        return len(rows)

    def _join_trimmed(self, stream: int, first: int, last: int) -> None:
        """Add to the trimmed spans, joined with the one that ends just before and the one that starts after."""
        state = SpanState.TRIMMED.value
        known = IntervalSet(
            self._db.execute(
                "SELECT first_seq, last_seq FROM span WHERE stream = ? AND state = ?"
                " AND last_seq >= ? AND first_seq <= ?",
                (stream, state, first - 1, last + 1),
            )
        )
        self._db.executemany(
            "DELETE FROM span WHERE stream = ? AND state = ? AND first_seq = ?",
            [(stream, state, low) for low, _ in known],
        )
        known.add(first, last)
        for low, high in known:
            self.add_span(stream, SpanState.TRIMMED, low, high, "")

    # ---------------------------------------------------------------- streams and boots

    def streams(self) -> list[StreamRow]:
        """Return all streams."""
        rows = self._db.execute("SELECT id, site, device, epoch, held_from, announced FROM stream")
        return [StreamRow(*row) for row in rows]

    def add_stream(self, site: str, device: str, epoch: str) -> StreamRow:
        """Make a stream."""
        cursor = self._db.execute("INSERT INTO stream (site, device, epoch) VALUES (?, ?, ?)", (site, device, epoch))
        assert cursor.lastrowid is not None
        return StreamRow(cursor.lastrowid, site, device, epoch, 1, 0)

    def announce(self, stream: int, held_from: int, announced: int) -> None:
        """Keep what a birth said of its outbox."""
        self._db.execute("UPDATE stream SET held_from = ?, announced = ? WHERE id = ?", (held_from, announced, stream))

    def stored_ranges(self, stream: int) -> IntervalSet:
        """Return the seqs that are or were in the journal."""
        known = IntervalSet((first, last) for first, last, _ in self.spans(stream, SpanState.TRIMMED))
        rows = self._db.execute("SELECT first_seq, last_seq FROM entry WHERE stream = ? ORDER BY first_seq", (stream,))
        start, end = 1, 0
        for first, last in rows:
            if first != end + 1:
                known.add(start, end)
                start = first
            end = last
        known.add(start, end)
        return known

    def spans(self, stream: int, state: SpanState) -> list[tuple[int, int, str]]:
        """Return (first, last, reason) of a stream's spans in a state."""
        return list(
            self._db.execute(
                "SELECT first_seq, last_seq, reason FROM span WHERE stream = ? AND state = ? ORDER BY first_seq",
                (stream, state.value),
            )
        )

    def add_span(self, stream: int, state: SpanState, first: int, last: int, reason: str) -> None:
        """Note what became of seqs that have no entry."""
        self._db.execute(
            "INSERT INTO span (stream, state, first_seq, last_seq, reason) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
            (stream, state.value, first, last, reason),
        )

    def boots(self) -> list[BootRow]:
        """Return all boots."""
        rows = self._db.execute(
            "SELECT id, site, device, boot_id, boot_no, offset_ms, error_ms, source, version FROM boot"
        )
        return [BootRow(*row) for row in rows]

    def add_boot(self, site: str, device: str, boot_id: str, boot_no: int) -> BootRow:
        """Make a boot whose time is not known."""
        cursor = self._db.execute(
            "INSERT INTO boot (site, device, boot_id, boot_no, version) VALUES (?, ?, ?, ?, 0)",
            (site, device, boot_id, boot_no),
        )
        assert cursor.lastrowid is not None
        return BootRow(cursor.lastrowid, site, device, boot_id, boot_no, None, None, None, 0)

    def set_boot_time(self, boot: BootRow, offset_ms: int, error_ms: int | None, source: str) -> BootRow:
        """Place a boot in time; followers see it by its new version."""
        self._boot_version += 1
        self._db.execute(
            "UPDATE boot SET offset_ms = ?, error_ms = ?, source = ?, version = ? WHERE id = ?",
            (offset_ms, error_ms, source, self._boot_version, boot.id),
        )
        return BootRow(
            boot.id,
            boot.site,
            boot.device,
            boot.boot_id,
            boot.boot_no,
            offset_ms,
            error_ms,
            source,
            self._boot_version,
        )

    def first_streams(self) -> dict[int, int]:
        """Return, by boot, the oldest stream that has rows of it."""
        return dict(
            self._db.execute("SELECT boot, min(stream) FROM entry WHERE boot IS NOT NULL AND stream > 0 GROUP BY boot")
        )

    def boot_extent(self, boot: int) -> tuple[int, int] | None:
        """Return the first and last millisecond since boot of the boot's rows; None without rows."""
        low, high = self._db.execute(
            "SELECT min(mono_low), max(mono_high) FROM entry WHERE boot = ?", (boot,)
        ).fetchone()
        return None if low is None else (low, high)

    # ---------------------------------------------------------------- presence

    def presences(self) -> list[tuple[str, str, int, str, str, int]]:
        """Return (site, device, connection, epoch, state, since_ms) of every device ever heard."""
        return list(self._db.execute("SELECT site, device, connection, epoch, state, since_ms FROM presence"))

    def set_presence(self, site: str, device: str, connection: int, epoch: str, state: str, since_ms: int) -> None:
        """Keep the newest presence of a device."""
        self._db.execute(
            "INSERT INTO presence VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " connection = excluded.connection, epoch = excluded.epoch,"
            " state = excluded.state, since_ms = excluded.since_ms",
            (site, device, connection, epoch, state, since_ms),
        )

    def last_position(self) -> int:
        """Return the position of the newest entry ever written; 0 in an empty journal."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
        return 0 if row is None else int(row[0])


__all__ = ["EntryKind", "Journal"]
