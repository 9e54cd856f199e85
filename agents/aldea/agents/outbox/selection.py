"""Which rows may travel together: consecutive, of one epoch and one boot, and not under way already."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from aldea.agents.outbox.records import Boot, Held
from aldea.agents.outbox.shape import row_of
from aldea.model.intervals import IntervalSet
from aldea.model.wire import Anchor

Busy = Mapping[str, IntervalSet]
"""Seqs that must not be chosen, by epoch."""

_COLUMNS = "w.seq, w.boot_no, w.mono_ms, s.content, w.content"
_FROM = "FROM waiting w LEFT JOIN series s ON s.id = w.series_id WHERE w.epoch_id = ?"
_NOTHING = IntervalSet()

TAKEN_STRIDE = 1_000_000
"""Boots taken over from another box are kept below zero, each box's in a stretch of this length of its own."""


def run_from(
    db: sqlite3.Connection, epoch: tuple[int, str], first: int, last: int, limit: int, busy: IntervalSet
) -> Held | None:
    """Return the first run of at most `limit` rows within `first` to `last`; None when there is none."""
    start = _next_free(db, epoch[0], first, last, busy)
    if start is None:
        return None
    free = next(iter(busy.missing(start, last)))[1]
    found = db.execute(
        f"SELECT {_COLUMNS} {_FROM} AND w.seq BETWEEN ? AND ? ORDER BY w.seq LIMIT ?",
        (epoch[0], start, free, limit),
    ).fetchall()
    return _held(db, epoch[1], _leading_run(found, 1))


def run_up_to(db: sqlite3.Connection, epoch: tuple[int, str], after: int, limit: int, busy: IntervalSet) -> Held | None:
    """Return the newest run of at most `limit` rows behind `after`; None when there is none."""
    found = db.execute(
        f"SELECT {_COLUMNS} {_FROM} AND w.seq > ? ORDER BY w.seq DESC LIMIT ?",
        (epoch[0], after, limit),
    ).fetchall()
    free = [row for row in found if row[0] not in busy]
    return _held(db, epoch[1], list(reversed(_leading_run(free, -1))))


def boot_of(db: sqlite3.Connection, number: int) -> Boot:
    """Return what is known of a boot, under the number that its own box gave it."""
    row = db.execute("SELECT boot_id, anchor FROM boot WHERE number = ?", (number,)).fetchone()
    told = number % TAKEN_STRIDE if number < 0 else number
    if row is None:
        return Boot(told, "0" * 32)
    return Boot(told, row[0], None if row[1] is None else _anchor(row[1]))


def _anchor(content: str) -> Anchor | None:
    """Return an anchor as it was kept; None for one that is spoilt: the boot is then placed by its neighbours."""
    try:
        mono_ms, wall_ms, error_ms, source = json.loads(content)
        return Anchor(int(mono_ms), int(wall_ms), int(error_ms), str(source))
    except (ValueError, TypeError):
        return None


def whereabouts(db: sqlite3.Connection, epoch: str, seqs: Collection[int]) -> dict[int, str | None]:
    """Return those of an epoch's `seqs` that the file still has: waiting (None), or refused (the reason)."""
    # All at once: the dead letter has no index, and this is asked with the outbox's lock held.
    letters = db.execute("SELECT seq, reason FROM dead_letter WHERE epoch = ? ORDER BY id DESC", (epoch,))
    refused = {int(seq): str(reason) for seq, reason in letters} if seqs else {}
    found: dict[int, str | None] = {}
    for seq in seqs:
        if seq in refused:
            found[seq] = refused[seq]
            continue
        where = "seq = ? AND epoch_id = (SELECT id FROM epoch WHERE name = ?)"
        if db.execute(f"SELECT 1 FROM waiting WHERE {where}", (seq, epoch)).fetchone() is not None:  # noqa: S608 - constant
            found[seq] = None
    return found


def _next_free(db: sqlite3.Connection, epoch_id: int, first: int, last: int, busy: IntervalSet) -> int | None:
    for low, high in busy.missing(first, last):
        row = db.execute(
            "SELECT min(seq) FROM waiting WHERE epoch_id = ? AND seq BETWEEN ? AND ?", (epoch_id, low, high)
        ).fetchone()
        if row[0] is not None:
            return int(row[0])
    return None


def _leading_run(found: Sequence[tuple[int, ...]], step: int) -> list[tuple[int, ...]]:
    """Cut `found` where a seq is missing or the boot changes."""
    run = list(found[:1])
    for row in found[1:]:
        if row[0] != run[-1][0] + step or row[1] != run[-1][1]:
            break
        run.append(row)
    return run


def _held(db: sqlite3.Connection, epoch: str, run: Sequence[tuple[int, ...]]) -> Held | None:
    if not run:
        return None
    rows = tuple(row_of(seq, mono_ms, str(series), str(content)) for seq, _, mono_ms, series, content in run)
    return Held(epoch, boot_of(db, run[0][1]), rows)


def busy_in(busy: Busy, epoch: str) -> IntervalSet:
    """Return what is busy in one epoch."""
    return busy.get(epoch, _NOTHING)
