"""What a message holds once it was read: a block of columns for each series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aldea.model.columns.arrays import Bools, Ints
from aldea.model.sample import Row
from aldea.model.wire import BlockSpec, Column, Header, value_of


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
