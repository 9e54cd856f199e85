"""What a batch's rows and times may be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from aldea.model.catalogue import Field, Kind, field_of

if TYPE_CHECKING:
    from aldea.model.columns import Batch, Block, Ints
    from aldea.model.topics import Topic
    from aldea.model.wire import Anchor, Column, Header

EARLIEST_MS = 1_577_836_800_000
"""2020-01-01: no Aldea measured anything before; an anchor that says so comes from a clock that was never set."""

FUTURE_MS = 10 * 60 * 1000
PAST_MS = 24 * 60 * 60 * 1000
AHEAD_MS = 1_000
"""How far a row may lie behind the moment its batch was sent: none, but clocks are read one after the other."""

MOST_KEPT = 2_000
"""Numbers a row, of all blocks together: the limits of a batch with more of them are not kept."""

_LOWEST, _HIGHEST = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is not accepted: a word to count by, and a sentence."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that is not accepted."""

    seq: int
    problem: Problem


def time_problem(header: Header, arrival_ms: int) -> Problem | None:
    """Say what is wrong with the times that a batch's header states, judged by the collector's clock."""
    problem = boot_problem(header.sent_mono_ms, arrival_ms)
    if problem is not None or header.anchor is None:
        return problem
    if header.past:
        # When that boot's anchor was taken is all there is to judge: this sending is on another boot's time.
        return anchor_problem(header.anchor, header.anchor.mono_ms, arrival_ms, oldest_ms=EARLIEST_MS)
    return anchor_problem(header.anchor, header.sent_mono_ms, arrival_ms)


def boot_problem(sent_mono_ms: int, arrival_ms: int) -> Problem | None:
    """Say so when the boot would have begun before 2020. That needs no anchor."""
    if sent_mono_ms <= arrival_ms - EARLIEST_MS:
        return None
    return Problem("time_absurd", f"it was sent {sent_mono_ms} ms after boot: no machine has run since before 2020")


def anchor_problem(
    anchor: Anchor | None, sent_mono_ms: int, arrival_ms: int, oldest_ms: int | None = None
) -> Problem | None:
    """Say what is wrong with an anchor, judged by the collector's clock; None if nothing is, or without one.

    Only a claim to know the time is judged: a batch that makes none may come from 1970. `oldest_ms` is the
    earliest moment of sending that is believed; by default a day before the arrival.
    """
    if anchor is None:
        return None
    if anchor.error_ms < 0 or anchor.mono_ms < 0:
        return Problem("time_absurd", "the anchor's error and its time since boot cannot be negative")
    if anchor.offset_ms < EARLIEST_MS:
        return Problem("time_absurd", f"by its anchor its boot began at {anchor.offset_ms} ms, before 2020")
    sent = sent_mono_ms + anchor.offset_ms
    if sent > arrival_ms + FUTURE_MS:
        return Problem("time_future", f"by its anchor it was sent {sent - arrival_ms} ms after it arrived")
    if sent < max(EARLIEST_MS, arrival_ms - PAST_MS if oldest_ms is None else oldest_ms):
        return Problem("time_absurd", f"by its anchor it was sent {arrival_ms - sent} ms before it arrived")
    return None


def owner_problem(topic: Topic, site: str, device: str) -> Problem | None:
    """Say so when a payload names another site or device than its topic, which the broker has tied to its sender."""
    if (site, device) == (topic.site, topic.device):
        return None
    return Problem("wrong_site", f"the payload says {site}/{device}, the topic {topic.site}/{topic.device}")


def mono_extent(batch: Batch) -> tuple[int, int]:
    """Return the first and last millisecond since boot of the rows; (sent, sent) without rows."""
    if not batch.blocks:
        return batch.header.sent_mono_ms, batch.header.sent_mono_ms
    spans = list(batch.mono_spans())
    return min([low for low, _ in spans]), max([high for _, high in spans])


def bad_rows(batch: Batch, arrival_ms: int) -> list[BadRow]:
    """Return the rows outside the catalogue's limits or outside their own boot's time, in order of seq.

    Fields that the catalogue doesn't list are not judged: they come from a newer agent.
    """
    if not batch.blocks:
        return []
    shape = tuple([(block.spec.measurement, block.spec.layout) for block in batch.blocks])
    # What is wide beyond all that agents send is reckoned anew each time: kept, it could fill the memory.
    low, high, times = (_batch_limits if len(batch.low) <= MOST_KEPT else _batch_limits.__wrapped__)(shape)
    latest = _latest_mono_ms(batch.header, arrival_ms)
    outside = np.count_nonzero(batch.low < low) or np.count_nonzero(batch.high > high)
    if not outside and max([batch.high.item(place) for place in times]) <= latest:
        return []
    found: dict[int, Problem] = {}
    for block in batch.blocks:
        _judge(batch.header, block, latest, found)
    return [BadRow(seq, found[seq]) for seq in sorted(found)]


def _latest_mono_ms(header: Header, arrival_ms: int) -> int:
    """Return the last millisecond since boot at which the rows can have been measured."""
    if not header.past:
        return header.sent_mono_ms + AHEAD_MS
    return arrival_ms - EARLIEST_MS if header.anchor is None else arrival_ms + FUTURE_MS - header.anchor.offset_ms


@lru_cache(maxsize=1024)
def _batch_limits(shape: tuple[tuple[str, str], ...]) -> tuple[Ints, Ints, list[int]]:
    """Return the limits of a whole batch of this shape, and where its blocks' times are among them."""
    pairs = [_limits(measurement, layout) for measurement, layout in shape]
    ends = accumulate([len(low) for low, _ in pairs[:-1]], initial=0)
    times = [end + 1 for end in ends]
    return np.concatenate([low for low, _ in pairs]), np.concatenate([high for _, high in pairs]), times


@lru_cache(maxsize=1024)
def _limits(measurement: str, layout: str) -> tuple[Ints, Ints]:
    """Return the smallest and largest integer of each of a block's rows: seq, time, and its columns."""
    low, high = [0, 0], [_HIGHEST, _HIGHEST]
    for text in layout.split():
        name, _, code = text.partition(":")
        if code.endswith("?"):
            low.append(0)
            high.append(1)
        lowest, highest = _column_limits(field_of(measurement, name), code.rstrip("?"))
        low.append(lowest)
        high.append(highest)
    return np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)


def _column_limits(listed: Field | None, code: str) -> tuple[int, int]:
    """Return the smallest and largest integer a column may hold; (1, 0), which nothing fits, for a wrong kind."""
    if code == "s":
        return (_LOWEST, _HIGHEST) if listed is None or listed.kind is Kind.TEXT else (1, 0)
    if code == "b":
        return (0, 1) if listed is None or listed.kind is Kind.FLAG else (1, 0)
    if listed is None:
        return _LOWEST, _HIGHEST
    if listed.kind in {Kind.TEXT, Kind.FLAG}:
        return 1, 0
    scale = 1 if code == "i" else 10 ** int(code)
    low = _LOWEST if listed.minimum is None else round(listed.minimum * scale)
    high = _HIGHEST if listed.maximum is None else round(listed.maximum * scale)
    return max(low, _LOWEST), min(high, _HIGHEST)


def _judge(header: Header, block: Block, latest_mono_ms: int, found: dict[int, Problem]) -> None:
    """Note every bad row of a block by seq: the slow look, taken only when the quick one saw something."""
    times = block.mono_ms
    for index in np.flatnonzero((times < 0) | (times > latest_mono_ms)):
        sentence = f"measured {int(times[index])} ms after boot, which at the time of sending was still to come"
        found[header.first_seq + int(block.offsets[index])] = Problem("time_absurd", sentence)
    for column in block.spec.columns:
        listed = field_of(block.spec.measurement, column.name)
        low, high = _column_limits(listed, column.code)
        _, numbers, present = block.column(column.name) or (column, times, None)
        outside = (numbers < low) | (numbers > high)
        if present is not None:
            outside &= present
        for index in np.flatnonzero(outside):
            problem = Problem("out_of_range", _range_sentence(block, column, int(numbers[index]), listed))
            found.setdefault(header.first_seq + int(block.offsets[index]), problem)


def _range_sentence(block: Block, column: Column, number: int, listed: Field | None) -> str:
    name = f"{block.spec.measurement}.{column.name}"
    if listed is not None and _column_limits(listed, column.code) == (1, 0):
        return f"{name} has the wrong kind of value, expected {listed.kind.value}"
    value = number / 10 ** int(column.code) if column.code.isdigit() else number
    if listed is None:
        return f"{name} is {value}, which cannot be stored"
    return f"{name} is {value}, expected {listed.minimum} to {listed.maximum}"
