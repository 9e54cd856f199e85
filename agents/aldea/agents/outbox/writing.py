"""Rows into the file: each gets the next seq of its epoch, within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from aldea.agents.outbox.shape import row_of, shape
from aldea.model.intervals import Range
from aldea.model.sample import Reading


def insert(db: sqlite3.Connection, epoch_id: int, boot_no: int, readings: Iterable[Reading], mono_ms: int) -> Range:
    """Store `readings` and return their (first, last) seq."""
    (given,) = db.execute("SELECT last_seq FROM epoch WHERE id = ?", (epoch_id,)).fetchone()
    seq = given
    for reading in readings:
        seq += 1
        series, content = shape(reading)
        db.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?)",
            (epoch_id, seq, boot_no, mono_ms, series_id(db, series), content),
        )
    db.execute("UPDATE epoch SET last_seq = ? WHERE id = ?", (seq, epoch_id))
    return given + 1, seq


def name_epoch(db: sqlite3.Connection, epoch_id: int, name: str) -> None:
    """Within a transaction: let the tombstones that moved to an epoch say of which one their seqs are."""
    moved = db.execute(
        "SELECT w.seq, s.content, w.content FROM waiting w JOIN series s ON s.id = w.series_id "
        "WHERE w.epoch_id = ? AND s.content LIKE '[\"tombstone\",%'",
        (epoch_id,),
    ).fetchall()
    for seq, series, content in moved:
        fields = row_of(seq, 0, series, content).fields
        if fields.get("epoch") is None:
            told = shape(Reading("tombstone", {**fields, "epoch": name}))
            db.execute(
                "UPDATE waiting SET series_id = ?, content = ? WHERE epoch_id = ? AND seq = ?",
                (series_id(db, told[0]), told[1], epoch_id, seq),
            )


def series_id(db: sqlite3.Connection, content: str) -> int:
    """Within a transaction: return the number of a series, made if it is new."""
    row = db.execute("SELECT id FROM series WHERE content = ?", (content,)).fetchone()
    if row is not None:
        return int(row[0])
    # Forget series that no row uses, seldom: there are a few dozen, unless a probe invents tags.
    (count,) = db.execute("SELECT count(*) FROM series").fetchone()
    if count % 256 == 255:
        db.execute("DELETE FROM series WHERE id NOT IN (SELECT DISTINCT series_id FROM waiting)")
    return int(db.execute("INSERT INTO series (content) VALUES (?)", (content,)).lastrowid or 0)
