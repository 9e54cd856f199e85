"""What goes when there is too much, and the tombstone that says so.

The oldest rows go, many at once, so that tombstones stay rare. A tombstone that would go itself is joined
into the new one: however long the site is cut off, each dropped row is named by one tombstone that is kept.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from aldea.agents.outbox.records import Boot, Limits
from aldea.agents.outbox.selection import boot_of
from aldea.agents.outbox.shape import row_of
from aldea.model.sample import Reading, Value

_DROP_SHARE = 50  # one fiftieth of the rows at a time
_DROP_AT_LEAST = 100


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows of one epoch that are given up: for the tombstone."""

    epoch_id: int
    first_seq: int
    last_seq: int
    count: int
    reason: str


def tombstone(first: int, last: int, count: int, reason: str, epoch: str | None) -> Reading:
    """Return what is said of rows that are given up; `epoch` is theirs where it is not the one it is said in."""
    fields: dict[str, Value] = {"first_seq": first, "last_seq": last, "count": count, "reason": reason, "epoch": epoch}
    return Reading("tombstone", fields)


def used_bytes(db: sqlite3.Connection) -> int:
    """Return how much of the file holds something."""
    pages, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def drop_for_size(db: sqlite3.Connection, limits: Limits) -> list[Dropped]:
    """Within a transaction: delete oldest rows until the file is within its limit; return what went."""
    dropped: list[Dropped] = []
    while used_bytes(db) > limits.max_bytes:
        total = int(db.execute("SELECT count(*) FROM waiting").fetchone()[0])
        oldest = db.execute(
            "SELECT epoch_id, seq FROM waiting ORDER BY epoch_id, seq LIMIT ?",
            (max(_DROP_AT_LEAST, total // _DROP_SHARE),),
        ).fetchall()
        if len(oldest) == total:  # the newest rows stay, whatever the limit says
            break
        epoch_id = oldest[0][0]
        last = max(seq for epoch, seq in oldest if epoch == epoch_id)
        dropped += _drop(db, epoch_id, "epoch_id = ? AND seq <= ?", (epoch_id, last), "outbox_full")
    return _joined(dropped)


def drop_for_age(db: sqlite3.Connection, limits: Limits, boot: Boot, mono_ms: int) -> list[Dropped]:
    """Within a transaction: delete what is older than the limit, as far as its age is known."""
    dropped: list[Dropped] = []
    present = db.execute("SELECT DISTINCT epoch_id, boot_no FROM waiting").fetchall()
    for epoch_id, number in present:
        oldest_kept = _oldest_kept(db, limits, boot, number, mono_ms)
        if oldest_kept is None:
            continue
        bounds = (epoch_id, number, oldest_kept)
        dropped += _drop(db, epoch_id, "epoch_id = ? AND boot_no = ? AND mono_ms < ?", bounds, "too_old")
    return _joined(dropped)


def _oldest_kept(db: sqlite3.Connection, limits: Limits, boot: Boot, number: int, mono_ms: int) -> int | None:
    """Return the boot's milliseconds before which its rows are too old; None when that is not known."""
    if number == boot.number:
        return mono_ms - limits.max_age_ms
    if number > 0 and mono_ms > limits.max_age_ms:  # this boot alone has lasted longer than the limit
        return 2**62
    other = boot_of(db, number).anchor
    if boot.anchor is None or other is None:
        return None
    return mono_ms + boot.anchor.offset_ms - limits.max_age_ms - other.offset_ms


def _drop(db: sqlite3.Connection, epoch_id: int, where: str, bounds: tuple[int, ...], reason: str) -> list[Dropped]:
    low, high, count = db.execute(
        f"SELECT min(seq), max(seq), count(*) FROM waiting WHERE {where}",  # noqa: S608 - our own constants
        bounds,
    ).fetchone()
    if not count:
        return []
    dropped = [Dropped(epoch_id, low, high, count, reason), *_buried(db, where, bounds)]
    db.execute(f"DELETE FROM waiting WHERE {where}", bounds)  # noqa: S608 - our own constants
    return dropped


def _buried(db: sqlite3.Connection, where: str, bounds: tuple[int, ...]) -> list[Dropped]:
    """Return what the tombstones among the rows say, since they go too."""
    rows = db.execute(
        "SELECT w.epoch_id, s.content, w.content FROM waiting w JOIN series s ON s.id = w.series_id "  # noqa: S608 - as above
        f"WHERE {where} AND s.content LIKE '[\"tombstone\",%'",
        bounds,
    ).fetchall()
    names = {name: number for number, name in db.execute("SELECT id, name FROM epoch")}
    buried = []
    for epoch_id, series, content in rows:
        said = row_of(0, 0, series, content).fields
        first, last, count = (said.get(name) for name in ("first_seq", "last_seq", "count"))
        if isinstance(first, int) and isinstance(last, int) and isinstance(count, int):
            owner = names.get(said.get("epoch"), epoch_id)
            buried.append(Dropped(owner, first, last, count, str(said.get("reason"))))
    return buried


def _joined(dropped: list[Dropped]) -> list[Dropped]:
    """Join what was dropped into one entry for each epoch."""
    out: dict[int, Dropped] = {}
    for item in dropped:
        other = out.get(item.epoch_id)
        out[item.epoch_id] = item if other is None else _union(other, item)
    return list(out.values())


def _union(one: Dropped, other: Dropped) -> Dropped:
    first, last = min(one.first_seq, other.first_seq), max(one.last_seq, other.last_seq)
    return Dropped(one.epoch_id, first, last, one.count + other.count, one.reason)
