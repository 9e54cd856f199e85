"""Some rows of a batch as messages of their own, number for number as they came. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aldea.model.columns import Table, encode_tables

if TYPE_CHECKING:
    from aldea.model.columns import Batch, Block, Bools


def select(batch: Batch, keep: Bools) -> list[bytes]:
    """Return a message for each run of consecutive seqs whose offset is kept.

    Numbers are copied as the wire has them, never by way of their values: a row that is stored after such a cut
    still equals itself when it is sent again.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], keep.astype(np.int8), [0]))))
    return [_run(batch, int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def _run(batch: Batch, first: int, end: int) -> bytes:
    tables = [table for block in batch.blocks if (table := _cut(block, first, end)) is not None]
    return encode_tables(replace(batch.header, first_seq=batch.header.first_seq + first, rows=end - first), tables)


def _cut(block: Block, first: int, end: int) -> Table | None:
    mine = (block.offsets >= first) & (block.offsets < end)
    if not mine.any():
        return None
    found = [item for column in block.spec.columns if (item := block.column(column.name)) is not None]
    return Table(
        block.spec.measurement,
        block.spec.tags,
        block.offsets[mine] - first,
        block.mono_ms[mine],
        [(column, numbers[mine]) for column, numbers, _ in found],
        {column.name: present[mine] for column, _, present in found if present is not None},
    )
