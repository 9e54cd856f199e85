"""Messages: decoded into columns and checked, and columns made a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aldea.model.columns.arrays import Bools, Ints
from aldea.model.columns.blocks import Batch, Block
from aldea.model.columns.stream import encode_stream, read_varints, undelta
from aldea.model.sample import Tags
from aldea.model.wire import Column, Header, Rejected, open_message, seal


def decode_columns(message: bytes) -> Batch:
    """Decode a message into columns.

    Raises Rejected with the same reasons as `aldea.model.wire.rows.decode`, which gives the same rows.
    """
    header, specs, stream = open_message(message)
    numbers, ends = read_varints(stream)
    sizes = [spec.width * spec.rows for spec in specs]
    if sum(sizes) != len(numbers):
        raise Rejected("malformed", "the stream does not hold as many numbers as the blocks state")
    lengths = np.repeat([spec.rows for spec in specs], [spec.width for spec in specs])
    values = undelta(numbers, lengths)
    blocks: list[Block] = []
    start = 0
    for spec, size in zip(specs, sizes, strict=True):
        raw = stream[int(ends[start - 1]) + 1 if start else 0 : int(ends[start + size - 1]) + 1]
        blocks.append(Block(spec, values[start : start + size].reshape(spec.width, spec.rows), raw))
        start += size
    firsts = np.cumsum(lengths) - lengths
    low, high = (
        (np.minimum.reduceat(values, firsts), np.maximum.reduceat(values, firsts)) if specs else (values, values)
    )
    batch = Batch(header, tuple(blocks), low, high)
    check_batch(batch)
    return batch


def check_batch(batch: Batch) -> None:
    """Every seq of the header once; texts that point at something. Raises Rejected."""
    header, blocks = batch.header, batch.blocks
    if not blocks:
        return
    offsets = np.concatenate([block.offsets for block in blocks])
    in_range = bool(offsets.min() >= 0) and bool(offsets.max() < header.rows)
    if not in_range or np.count_nonzero(np.bincount(offsets, minlength=header.rows)) != header.rows:
        raise Rejected("malformed", "the rows do not have each of the header's seqs once")
    position = 0
    for block in blocks:
        index = position + 2
        for column in block.spec.columns:
            index += column.nullable
            if column.code == "s" and not _points_within(batch, index, column):
                raise Rejected("malformed", f"column {column.name!r} points beyond its texts")
            index += 1
        position += block.spec.width


def _points_within(batch: Batch, index: int, column: Column) -> bool:
    """Say whether a text column's numbers, absent values' included, are indexes into its texts."""
    if column.texts:
        return bool(0 <= batch.low[index] <= batch.high[index] < len(column.texts))
    all_absent = column.nullable and batch.low[index - 1] == batch.high[index - 1] == 0
    return bool(all_absent and batch.low[index] == batch.high[index] == 0)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One series' rows to be written: `columns` and the arrays they hold, as the wire stores them (integers).

    `present` has an entry for each nullable column.
    """

    measurement: str
    tags: Tags
    offsets: Ints
    mono_ms: Ints
    columns: Sequence[tuple[Column, Ints]]
    present: dict[str, Bools]


def encode_tables(header: Header, tables: Sequence[Table]) -> bytes:
    """Return the message that holds `tables`; their offsets must cover the header's seqs once each."""
    blocks: list[Any] = []
    arrays: list[Ints] = []
    for table in tables:
        arrays += [table.offsets, table.mono_ms]
        names: list[str] = []
        for column, numbers in table.columns:
            if column.nullable:
                arrays.append(table.present[column.name].astype(np.int64))
            arrays.append(numbers)
            names.append(f"{column.name}:{column.code}{'?' if column.nullable else ''}")
        texts = {column.name: list(column.texts) for column, _ in table.columns if column.code == "s"}
        blocks.append([table.measurement, dict(table.tags), len(table.offsets), " ".join(names), texts])
    return seal(header, blocks, encode_stream(arrays))
