"""Many batches decoded at once: numpy takes as long for one small message as for a hundred. Pure."""

from __future__ import annotations

import logging
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from aldea.model.columns import Batch, Block, decode_columns, read_varints, undelta
from aldea.model.wire import Rejected, open_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.model.columns import Ints
    from aldea.model.wire import BlockSpec, Header

    _Opened = tuple[Header, list[BlockSpec], bytes]

log = logging.getLogger(__name__)

FEW = 2
MOST_BYTES = 8 * 1024 * 1024
"""Of undecoded numbers taken at once; they grow eightfold."""


def decode_all(payloads: Sequence[bytes]) -> list[Batch | Rejected]:
    """Return each message's batch, or why there is none: what `decode_columns` returns or raises for it."""
    opened = [_open(payload) for payload in payloads]
    found: list[Batch | Rejected | None] = [item if isinstance(item, Rejected) else None for item in opened]
    group: list[int] = []
    size = 0
    for index, item in enumerate(opened):
        if isinstance(item, Rejected):
            continue
        group.append(index)
        size += len(item[2])
        if size > MOST_BYTES:
            _take(group, opened, payloads, found)
            group, size = [], 0
    _take(group, opened, payloads, found)
    return [item for item in found if item is not None]


def _open(payload: bytes) -> _Opened | Rejected:
    try:
        return open_message(payload)
    except Rejected as error:
        return error
    except Exception as error:
        # A fault of ours must not stop the site's neighbours: the message is kept for whoever mends it.
        log.exception("a batch could not be decoded")
        return Rejected("internal_error", f"decoding failed: {type(error).__name__}")


def _take(
    group: Sequence[int],
    opened: Sequence[_Opened | Rejected],
    payloads: Sequence[bytes],
    found: list[Batch | Rejected | None],
) -> None:
    """Decode the messages of a group together; one by one if anything is wrong with any of them."""
    parts = [item for index in group if not isinstance(item := opened[index], Rejected)]
    batches: Sequence[Batch | Rejected] | None = _together(parts) if len(parts) > FEW else None
    if batches is None:
        batches = [_alone(payloads[index]) for index in group]
    for index, batch in zip(group, batches, strict=True):
        found[index] = batch


def _alone(payload: bytes) -> Batch | Rejected:
    try:
        return decode_columns(payload)
    except Rejected as error:
        return error
    except Exception as error:
        log.exception("a batch could not be decoded")
        return Rejected("internal_error", f"decoding failed: {type(error).__name__}")


def _together(parts: Sequence[_Opened]) -> list[Batch] | None:
    """Return the batches, or None when one of the messages is not whole."""
    if any(stream and stream[-1] >= 0x80 for _, _, stream in parts):
        return None
    try:
        numbers, ends = read_varints(b"".join([stream for _, _, stream in parts]))
    except Rejected:
        return None
    specs = [spec for _, blocks, _ in parts for spec in blocks]
    widths = np.array([spec.width for spec in specs], np.intp)
    rows = np.array([spec.rows for spec in specs], np.intp)
    sizes = widths * rows
    if not _counts_agree(parts, ends, sizes, len(numbers)):
        return None
    lengths = np.repeat(rows, widths)
    values = undelta(numbers, lengths)
    firsts = np.cumsum(lengths) - lengths
    low = np.minimum.reduceat(values, firsts) if len(firsts) else values
    high = np.maximum.reduceat(values, firsts) if len(firsts) else values
    columns = np.cumsum(widths) - widths
    if not _texts_known(specs, columns, low, high):
        return None
    batches = _cut(parts, values, ends, (sizes, widths), (low, high))
    return batches if _seqs_once(batches, specs, columns, low, high) else None


def _counts_agree(parts: Sequence[_Opened], ends: Ints, sizes: Ints, numbers: int) -> bool:
    """Say whether each message's stream holds as many numbers as its blocks state."""
    stream_ends = np.cumsum([len(stream) for _, _, stream in parts])
    blocks = np.cumsum([len(blocks) for _, blocks, _ in parts])
    stated = np.concatenate(([0], np.cumsum(sizes)))[blocks]
    return int(stated[-1]) == numbers and bool((np.searchsorted(ends, stream_ends) == stated).all())


def _texts_known(specs: Sequence[BlockSpec], columns: Ints, low: Ints, high: Ints) -> bool:
    """Say whether every number of a text column points at one of its texts."""
    places: list[int] = []
    limits: list[int] = []
    for spec, first in zip(specs, columns.tolist(), strict=True):
        place = first + 2
        for column in spec.columns:
            place += column.nullable
            if column.code == "s":
                places.append(place)
                limits.append(max(len(column.texts), 1))
            place += 1
    return bool((low[places] >= 0).all()) and bool((high[places] < np.array(limits, np.int64)).all())


def _cut(
    parts: Sequence[_Opened], values: Ints, ends: Ints, shape: tuple[Ints, Ints], extremes: tuple[Ints, Ints]
) -> list[Batch]:
    """Cut the numbers of all messages into blocks and batches."""
    sizes, widths = shape
    stops = list(accumulate(sizes.tolist(), initial=0))
    edges = list(accumulate(widths.tolist(), initial=0))
    byte_stops = [0, *(ends[np.array(stops[1:], np.intp) - 1] + 1).tolist()]
    batches: list[Batch] = []
    block = base = 0
    for header, specs, stream in parts:
        first = block
        made: list[Block] = []
        for spec in specs:
            data = values[stops[block] : stops[block + 1]].reshape(spec.width, spec.rows)
            made.append(Block(spec, data, stream[byte_stops[block] - base : byte_stops[block + 1] - base]))
            block += 1
        base += len(stream)
        span = slice(edges[first], edges[block])
        batches.append(Batch(header, tuple(made), extremes[0][span], extremes[1][span]))
    return batches


def _seqs_once(batches: Sequence[Batch], specs: Sequence[BlockSpec], columns: Ints, low: Ints, high: Ints) -> bool:
    """Say whether every batch has each seq of its header once."""
    if not specs:
        return True
    counts = np.array([batch.header.rows for batch in batches], np.int64)
    per_block = np.repeat(np.arange(len(batches)), [len(batch.blocks) for batch in batches])
    if not (bool((low[columns] >= 0).all()) and bool((high[columns] < counts[per_block]).all())):
        return False
    bases = np.repeat((np.cumsum(counts) - counts)[per_block], [spec.rows for spec in specs])
    offsets = np.concatenate([block.data[0] for batch in batches for block in batch.blocks]) + bases
    return bool((np.bincount(offsets, minlength=int(counts.sum())) == 1).all())
