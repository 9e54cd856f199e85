"""What befalls a village: spans of trouble, drawn day by day, and the truth that follows from them.

Each day's troubles depend on that day alone, so a longer look ahead changes nothing that was seen before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.noise import key_of, one
from aldea.simulator.plan import DAY_MS, HOUR_MS, MINUTE_MS, Plan
from aldea.simulator.zones import local_offset_ms

FOREVER_MS = 2**52


class Truth(StrEnum):
    """How things really are at a site. Where several hold at once the one named first counts."""

    POWER = "power"
    RESTART = "restart"
    BACKHAUL = "backhaul"
    PLATFORM = "platform"
    DEGRADED = "degraded"
    UP = "up"


BOX_OFF = frozenset({Truth.POWER, Truth.RESTART})
LINK_DOWN = frozenset({Truth.POWER, Truth.RESTART, Truth.BACKHAUL})
UNHEARD = frozenset({Truth.POWER, Truth.RESTART, Truth.BACKHAUL, Truth.PLATFORM})
"""While these hold, nothing of the site reaches the server."""


@dataclass(frozen=True, slots=True)
class Span:
    """A truth from `start_ms` up to before `end_ms`, milliseconds since 1970."""

    start_ms: int
    end_ms: int
    truth: Truth


@dataclass(frozen=True, slots=True)
class _Habit:
    """How often a day brings a trouble, and for how long: from `shortest` to `longest` milliseconds."""

    truth: Truth
    chance: float
    shortest: int
    longest: int
    times: int = 1


_POWER = _Habit(Truth.POWER, 0.18, 20 * MINUTE_MS, 7 * HOUR_MS)
_BACKHAUL = _Habit(Truth.BACKHAUL, 0.22, 15 * MINUTE_MS, 6 * HOUR_MS)
_USUAL = (
    _Habit(Truth.POWER, 0.012, 10 * MINUTE_MS, 4 * HOUR_MS),
    _Habit(Truth.BACKHAUL, 0.015, 10 * MINUTE_MS, 2 * HOUR_MS),
)
_HABITS: dict[str, tuple[_Habit, ...]] = {
    "power": (_POWER, _USUAL[1]),
    "backhaul": (_USUAL[0], _BACKHAUL),
    "platform": (*_USUAL, _Habit(Truth.PLATFORM, 0.2, 20 * MINUTE_MS, 5 * HOUR_MS)),
    "flapping": (_USUAL[0], _Habit(Truth.BACKHAUL, 0.5, 3 * MINUTE_MS, 22 * MINUTE_MS, times=12)),
}
_IN_COMMON = (
    ("power_region", _Habit(Truth.POWER, 0.012, HOUR_MS, 5 * HOUR_MS)),
    ("provider", _Habit(Truth.BACKHAUL, 0.006, 20 * MINUTE_MS, 90 * MINUTE_MS)),
)


def spans_of(site: SimulatedSite, plan: Plan, until_ms: int) -> list[Span]:
    """Return the site's truth from the plan's start to `until_ms`, at least, without gaps or overlaps."""
    days = max((until_ms - plan.start_ms) // DAY_MS + 1, 1)
    return _layered([*_troubles(site, plan, days), *_standing(site, plan)], plan.start_ms, until_ms)


def clip(spans: Sequence[Span], start_ms: int, end_ms: int) -> list[Span]:
    """Return the parts of `spans` (in order, without overlaps) from `start_ms` up to before `end_ms`."""
    low = bisect_right(spans, start_ms, key=lambda span: span.end_ms)
    high = bisect_left(spans, end_ms, key=lambda span: span.start_ms)
    found = list(spans[low:high])
    if found and found[0].start_ms < start_ms:
        found[0] = replace(found[0], start_ms=start_ms)
    if found and found[-1].end_ms > end_ms:
        found[-1] = replace(found[-1], end_ms=end_ms)
    return found


def _troubles(site: SimulatedSite, plan: Plan, days: int) -> Iterator[Span]:
    own = key_of("troubles", plan.seed, site.id)
    common = [(key_of("common", plan.seed, place, getattr(site, place)), habit) for place, habit in _IN_COMMON]
    restart_day = int(one(own, 99, 0) * 14)
    for day in range(days):
        begin = plan.start_ms + day * DAY_MS
        for number, habit in enumerate(_HABITS.get(site.story, _USUAL)):
            yield from _drawn(own, 10 * number, day, begin, habit)
        for key, habit in common:
            yield from _drawn(key, 500, day, begin, habit)
        if site.story == "evening":
            yield _evening(site, own, day, begin)
        if day % 14 == restart_day:
            at = begin + int(one(own, 98, day) * DAY_MS)
            yield Span(at, at + 90_000, Truth.RESTART)


def _drawn(key: int, stream: int, day: int, begin: int, habit: _Habit) -> Iterator[Span]:
    """Draw one day's troubles of a kind. Long ones are rarer than short ones."""
    if one(key, stream, day) >= habit.chance:
        return
    for number in range(habit.times):
        place = day * 64 + number
        start = begin + int(one(key, stream + 1, place) * DAY_MS)
        reach = habit.longest - habit.shortest
        yield Span(start, start + habit.shortest + int(one(key, stream + 2, place) ** 2.5 * reach), habit.truth)


def _evening(site: SimulatedSite, key: int, day: int, begin: int) -> Span:
    """From about half past six in the evening, local time, for four hours."""
    local = (begin + local_offset_ms(site.timezone, begin)) % DAY_MS
    start = begin + (18 * HOUR_MS + 30 * MINUTE_MS - local) % DAY_MS + int(one(key, 97, day) * HOUR_MS)
    return Span(start, start + 4 * HOUR_MS, Truth.DEGRADED)


def _standing(site: SimulatedSite, plan: Plan) -> Iterator[Span]:
    """Yield what is going on when history ends, so that the first look at the page already shows something."""
    live, first_days = plan.live_ms, round(plan.days * DAY_MS * 0.6)
    if site.story == "dead":
        yield Span(live - min(first_days, 5 * DAY_MS + 7 * HOUR_MS), FOREVER_MS, Truth.POWER)
    elif site.story == "bad_clock":
        yield from _lost_boot(live - min(first_days, 12 * DAY_MS))
    elif site.id in _NOW:
        truth, since, to_come = _NOW[site.id]
        yield Span(live - since * MINUTE_MS, live + to_come * MINUTE_MS, truth)


_NOW: dict[str, tuple[Truth, int, int]] = {
    "sim-chis-oxchuc": (Truth.POWER, 100, 300),
    "sim-chis-tenejapa": (Truth.POWER, 95, 280),
    "sim-gro-cochoapa-el-grande": (Truth.BACKHAUL, 190, 25),
    "sim-sin-badiraguato": (Truth.BACKHAUL, 45, 240),
    "sim-camp-calakmul": (Truth.PLATFORM, 50, 12),
}


def _lost_boot(at: int) -> Iterator[Span]:
    """Two power cuts with the link down in between: a boot that never learns what time it is."""
    yield Span(at, at + 40 * MINUTE_MS, Truth.POWER)
    yield Span(at + 40 * MINUTE_MS, at + 4 * HOUR_MS, Truth.BACKHAUL)
    yield Span(at + 4 * HOUR_MS, at + 4 * HOUR_MS + 25 * MINUTE_MS, Truth.POWER)


def _layered(troubles: list[Span], start_ms: int, until_ms: int) -> list[Span]:
    """Lay overlapping spans over each other, the gravest on top, and fill what is free with UP."""
    result: list[Span] = []
    free = [(start_ms, until_ms)]
    for truth in Truth:
        if truth is Truth.UP:
            break
        for start, end in _merged([(s.start_ms, s.end_ms) for s in troubles if s.truth is truth]):
            still: list[tuple[int, int]] = []
            for low, high in free:
                first, last = max(low, start), min(high, end)
                if first >= last:
                    still.append((low, high))
                    continue
                result.append(Span(first, last, truth))
                still += [(a, b) for a, b in ((low, first), (last, high)) if a < b]
            free = still
    result += [Span(low, high, Truth.UP) for low, high in free]
    result.sort(key=lambda span: span.start_ms)
    return result


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
