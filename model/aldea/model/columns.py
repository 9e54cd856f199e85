"""Batches as columns: the server's reader and writer of the wire format. Needs numpy; agents never import it.

A whole message is decoded in one pass however many columns it has: all varints at once, then one running sum
that starts again at each column. That is what lets a collector take several hundred thousand rows a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aldea.model.sample import Row, Tags
from aldea.model.wire import BlockSpec, Column, Header, Rejected, open_message, seal, value_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rows of one series in a batch. `data` is (width, rows): seq offset, time, then the columns.

    `raw` is the block's piece of the stream as it came, which stores may keep instead of `data`.
    """

    spec: BlockSpec
    data: Ints
    raw: bytes

    @property
    def mono_ms(self) -> Ints:
        """Milliseconds since boot, one a row."""
        times: Ints = self.data[1]
        return times

    @property
    def offsets(self) -> Ints:
        """Each row's seq less the batch's first seq."""
        offsets: Ints = self.data[0]
        return offsets

    def column(self, name: str) -> tuple[Column, Ints, Bools | None] | None:
        """Return (column, integers, presence; None when all are present), or None without such a column."""
        position = 2
        for column in self.spec.columns:
            if column.name == name:
                if column.nullable:
                    return column, self.data[position + 1], self.data[position] != 0
                return column, self.data[position], None
            position += 2 if column.nullable else 1
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A decoded message: its header, and a block a series.

    `low` and `high` hold the extremes of each row of each block's `data`, one block behind the next, so that a
    whole batch is checked against its limits in two comparisons.
    """

    header: Header
    blocks: tuple[Block, ...]
    low: Ints
    high: Ints

    def mono_spans(self) -> Iterator[tuple[int, int]]:
        """Yield the milliseconds since boot of each block's earliest and latest row."""
        # One number after the other: a batch has few blocks, for which numpy's calls take longer.
        place = 1
        for block in self.blocks:
            yield self.low.item(place), self.high.item(place)
            place += block.spec.width

    def rows(self) -> list[Row]:
        """Return the rows as objects, in order of seq: for the rare paths that look at single rows."""
        found: list[Row] = []
        for block in self.blocks:
            columns = [(item, *_found(block, item.name)) for item in block.spec.columns]
            for index in range(block.spec.rows):
                fields = {
                    column.name: value_of(column, int(numbers[index]))
                    for column, numbers, present in columns
                    if present is None or present[index]
                }
                seq = self.header.first_seq + int(block.offsets[index])
                found.append(Row(seq, int(block.mono_ms[index]), block.spec.measurement, block.spec.tags, fields))
        found.sort(key=lambda row: row.seq)
        return found


def _found(block: Block, name: str) -> tuple[Ints, Bools | None]:
    column = block.column(name)
    assert column is not None
    return column[1], column[2]


@dataclass(frozen=True, slots=True, eq=False)
class TimedBatch:
    """A batch whose rows have their place in time: wall milliseconds are `mono_ms + offset_ms`.

    `estimated` says that the boot never knew the time and was placed between its neighbours.
    """

    batch: Batch
    offset_ms: int
    estimated: bool = False


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


def decode_stream(stream: bytes, lengths: NDArray[np.intp] | Sequence[int]) -> Ints:
    """Return the values of back-to-back delta-coded columns, `lengths[i]` numbers in column i.

    Raises Rejected when the stream holds another number of varints.
    """
    numbers, _ = read_varints(stream)
    sizes = np.asarray(lengths, dtype=np.intp)
    if int(sizes.sum()) != len(numbers):
        raise Rejected("malformed", "the stream does not hold as many numbers as stated")
    return undelta(numbers, sizes)


def read_varints(stream: bytes) -> tuple[Ints, NDArray[np.intp]]:
    """Return all zigzag varints of `stream` as integers, and the position of each one's last byte."""
    data = np.frombuffer(stream, dtype=np.uint8)
    ends = np.flatnonzero(data < 0x80)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        raise Rejected("malformed", "the stream ends within a number")
    if not len(ends):
        return np.zeros(0, np.int64), ends
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    widths = ends - starts
    longest = int(widths.max())
    if longest > 9:
        raise Rejected("malformed", "a number in the stream is longer than 64 bits")
    raw = (data[starts] & 0x7F).astype(np.uint64)
    longer = np.flatnonzero(widths)  # most numbers have one byte: only the others are looked at again
    for byte in range(1, longest + 1):
        piece = (data[starts[longer] + byte] & 0x7F).astype(np.uint64)
        raw[longer] |= piece << np.uint64(7 * byte)
        longer = longer[widths[longer] > byte]
    signed = (raw >> np.uint64(1)).astype(np.int64)
    return signed ^ -(raw & np.uint64(1)).astype(np.int64), ends


def undelta(numbers: Ints, lengths: NDArray[np.intp]) -> Ints:
    """Sum up within each column: one sum over all, less what stood before each column (both wrap alike)."""
    if not len(numbers):
        return numbers
    total = np.cumsum(numbers)
    firsts = np.cumsum(lengths) - lengths
    kept = lengths > 0
    before = total[firsts[kept]] - numbers[firsts[kept]]
    result: Ints = total - np.repeat(before, lengths[kept])
    return result


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


# --------------------------------------------------------------------------------------------- writing


def encode_stream(columns: Sequence[Ints]) -> bytes:
    """Return the delta-coded varints of `columns`, one behind the other: what `decode_stream` reads."""
    parts: list[Ints] = []
    for column in columns:
        deltas = np.array(column, dtype=np.int64)
        deltas[1:] -= column[:-1]
        parts.append(deltas)
    joined: Ints = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    if not len(joined):
        return b""
    raw = ((joined << np.int64(1)) ^ (joined >> np.int64(63))).view(np.uint64)
    widths = np.ones(len(raw), np.intp)
    rest = raw >> np.uint64(7)
    while rest.any():
        widths += rest != 0
        rest >>= np.uint64(7)
    ends = np.cumsum(widths)
    out = np.zeros(int(ends[-1]), np.uint8)
    starts = ends - widths
    for byte in range(int(widths.max())):
        more = widths > byte
        piece = (raw[more] >> np.uint64(7 * byte)) & np.uint64(0x7F)
        last = widths[more] == byte + 1
        out[starts[more] + byte] = np.where(last, piece, piece | np.uint64(0x80)).astype(np.uint8)
    return out.tobytes()


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
