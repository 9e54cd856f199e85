"""What the register is told of a batch: enough to judge a site by, without its rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from aldea.model.wire import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aldea.model.columns import Batch, Block
    from aldea.model.sample import Tags, Value

FEW = 64


def summarise(batch: Batch) -> dict[str, Any]:
    """Return `{"series": [[measurement, tags, rows, failed rows]], "ping": {role: [sent, received]}}`.

    Also the boot's id, whether it is the batch of a boot that knows its time, and the device's clock.
    """
    series: list[list[Any]] = []
    ping: dict[str, list[int]] = {}
    first = 0
    for block in batch.blocks:
        spec = block.spec
        plan = _plan(spec.tags, spec.layout)
        series.append([spec.measurement, plan.tags, spec.rows, _failed(batch, first, block, plan)])
        if spec.measurement == "ping":
            sums = ping.setdefault(plan.tags.get("role", ""), [0, 0])
            sums[0] += _total(batch, first, block, plan.places.get("sent"))
            sums[1] += _total(batch, first, block, plan.places.get("received"))
        first += spec.width
    header = batch.header
    return {"boot": header.boot_id, "clock": header.clock.value, "series": series, "ping": ping}


def newest_fields(batches: Iterable[tuple[Batch, int]]) -> Iterator[tuple[str, int, Mapping[str, Value]]]:
    """Yield (`measurement|tag=value|…`, wall milliseconds, fields) of each series' newest row in these batches.

    A batch comes with its offset: what to add to milliseconds since boot.
    """
    newest: dict[tuple[str, Tags], tuple[int, Block]] = {}
    for batch, offset_ms in batches:
        for block, (_, latest) in zip(batch.blocks, batch.mono_spans(), strict=True):
            at = latest + offset_ms
            series = (block.spec.measurement, block.spec.tags)
            if series not in newest or at >= newest[series][0]:
                newest[series] = (at, block)
    for (measurement, tags), (at, block) in newest.items():
        yield "|".join([measurement, *(f"{name}={value}" for name, value in tags)]), at, _newest_row(block)


def _newest_row(block: Block) -> Mapping[str, Value]:
    row = int(np.argmax(block.mono_ms))
    fields: dict[str, Value] = {}
    for column in block.spec.columns:
        found = block.column(column.name)
        assert found is not None
        _, numbers, present = found
        if present is None or present[row]:
            fields[column.name] = value_of(column, int(numbers[row]))
    return fields


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the columns of a kind of block are among its numbers: (row, row of its presence or None)."""

    tags: dict[str, str]
    places: dict[str, tuple[int, int | None]]


@lru_cache(maxsize=1024)
def _plan(tags: Tags, layout: str) -> _Plan:
    """Return a block's plan. Cached: a fleet sends the same few dozen kinds for ever."""
    places: dict[str, tuple[int, int | None]] = {}
    row = 2
    for text in layout.split():
        name, _, code = text.partition(":")
        nullable = code.endswith("?")
        places[name] = (row + 1, row) if nullable else (row, None)
        row += 2 if nullable else 1
    return _Plan(dict(tags), places)


def _failed(batch: Batch, first: int, block: Block, plan: _Plan) -> int:
    """Return how many rows say why they failed; `first` is where the block's extremes begin."""
    place = plan.places.get("failure")
    if place is None:
        return 0
    if place[1] is None:
        return block.spec.rows
    low, high = batch.low.item(first + place[1]), batch.high.item(first + place[1])
    if low == high:  # all or none, as nearly always
        return block.spec.rows if high else 0
    return int(np.count_nonzero(block.data[place[1]]))


def _total(batch: Batch, first: int, block: Block, place: tuple[int, int | None] | None) -> int:
    if place is None:
        return 0
    complete = place[1] is None or batch.low.item(first + place[1]) != 0
    low, high = batch.low.item(first + place[0]), batch.high.item(first + place[0])
    if complete and low == high:
        return low * block.spec.rows
    numbers = block.data[place[0]]
    if place[1] is not None:
        return int(numbers[block.data[place[1]] != 0].sum())
    # Plain Python is quicker than numpy's call for a handful of rows.
    return sum(numbers.tolist()) if len(numbers) <= FEW else int(numbers.sum())
