"""Reading the journal beside its writer: what followers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.collector.journal.entries import BootRow, EntryKind
from aldea.collector.journal.schema import open_for_reading

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

MOST_BYTES = 1536 * 1024
"""Of messages in one group of a follower; decoded they grow about tenfold."""
MOST_ROWS = 100_000
"""Of rows in such a group: what hardly changes takes few bytes on the way, and as many as all else when decoded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as followers see it. `boot` is None for changes of presence."""

    position: int
    kind: EntryKind
    site: str
    device: str
    epoch: str | None
    first_seq: int | None
    last_seq: int | None
    mono_low: int | None
    mono_high: int | None
    lane: str
    arrival_ms: int
    payload: bytes
    boot: int | None
    offset_ms: int | None
    source: str | None


_SELECT = (
    "SELECT position, kind, entry.site, entry.device, stream.epoch, first_seq, last_seq, mono_low, mono_high,"
    " lane, arrival_ms, payload, boot, offset_ms, source FROM entry"
    " LEFT JOIN stream ON stream.id = entry.stream LEFT JOIN boot ON boot.id = entry.boot"
)


class JournalReader:
    """A reader of the journal; each follower has its own."""

    def __init__(self, path: Path) -> None:
        self._db = open_for_reading(path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def after(self, position: int, limit: int, most_bytes: int = MOST_BYTES, most_rows: int = MOST_ROWS) -> list[Entry]:
        """Return entries behind `position`, in order.

        Up to `limit`, and no more once there are `most_bytes` or `most_rows`.
        """
        rows = self._db.execute(f"{_SELECT} WHERE position > ? ORDER BY position LIMIT ?", (position, limit))
        return _group(rows, most_bytes, most_rows)

    def of_boot(
        self,
        boot: int,
        after: int,
        up_to: int,
        limit: int,
        most_bytes: int = MOST_BYTES,
        most_rows: int = MOST_ROWS,
    ) -> list[Entry]:
        """Return entries of a boot with `after` < position <= `up_to`, as many as `after` does."""
        rows = self._db.execute(
            f"{_SELECT} WHERE boot = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?",
            (boot, after, up_to, limit),
        )
        return _group(rows, most_bytes, most_rows)

    def boots_changed_after(self, version: int, limit: int = 1_000) -> list[BootRow]:
        """Return the boots whose place in time changed after `version`, oldest change first."""
        rows = self._db.execute(
            "SELECT id, site, device, boot_id, boot_no, offset_ms, error_ms, source, version FROM boot"
            " WHERE version > ? ORDER BY version LIMIT ?",
            (version, limit),
        )
        return [BootRow(*row) for row in rows]

    def event_time(self, site: str, device: str, epoch: str, seq: int) -> int | None:
        """Return the wall time (ms) of the entry that holds a seq, its last row's; None if unknown."""
        row = self._db.execute(
            "SELECT mono_high + offset_ms FROM entry JOIN stream ON stream.id = entry.stream"
            " JOIN boot ON boot.id = entry.boot"
            " WHERE stream.site = ? AND stream.device = ? AND stream.epoch = ?"
            " AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
            (site, device, epoch, seq),
        ).fetchone()
        return None if row is None else row[0]

    def last_position(self) -> int:
        """Return the position of the newest entry ever written; 0 in an empty journal."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
        return 0 if row is None else int(row[0])


def _group(rows: sqlite3.Cursor, most_bytes: int, most_rows: int) -> list[Entry]:
    """Return entries until there are so many bytes or rows of them, and one at the least."""
    found: list[Entry] = []
    size = count = 0
    for row in rows:
        entry = Entry(row[0], EntryKind(row[1]), *row[2:])
        found.append(entry)
        size += len(entry.payload)
        count += (entry.last_seq or 0) - (entry.first_seq or 0) + 1
        if size >= most_bytes or count >= most_rows:
            break
    rows.close()  # what is read no further must not hold the file's log back
    return found
