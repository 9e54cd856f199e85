"""Rows that came before: are they the same, or does one seq stand for two different things? Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.model.columns import decode_columns
from aldea.model.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aldea.model.columns import Batch
    from aldea.model.intervals import Range
    from aldea.model.sample import Row


def compare(
    batch: Batch, stored_payloads: Iterable[bytes], overlap: Sequence[Range]
) -> tuple[IntervalSet, IntervalSet]:
    """Return (same, different): which seqs of `overlap` have the content that is stored, and which another.

    Seqs whose entries have been trimmed cannot be compared any more and count as the same: the journal is kept
    for longer than an outbox.
    """
    known = [decode_columns(payload) for payload in stored_payloads]
    if len(known) == 1 and _equal(batch, known[0]):
        return IntervalSet(overlap), IntervalSet()
    stored: dict[int, Row] = {row.seq: row for one in known for row in one.rows()}
    arrived = {row.seq: row for row in batch.rows()}
    same, different = IntervalSet(), IntervalSet()
    for first, last in overlap:
        for seq in range(first, last + 1):
            before = stored.get(seq)
            (same if before is None or before == arrived[seq] else different).add(seq, seq)
    return same, different


def _equal(one: Batch, other: Batch) -> bool:
    """Say whether two batches are the same, byte for byte but for the header: what comes again mostly is."""
    return (
        one.header.first_seq == other.header.first_seq
        and one.header.rows == other.header.rows
        and [(block.spec, block.raw) for block in one.blocks] == [(block.spec, block.raw) for block in other.blocks]
    )
