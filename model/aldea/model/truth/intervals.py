"""Slots into intervals: stretches of one state and cause, each with the evidence a technician can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aldea.model.truth.holes import HoleVerdict, Silence
from aldea.model.truth.slots import SLOT_MS, SlotDay
from aldea.model.truth.states import MEANINGS, Code, TruthState

_COUNTED = ("sent", "received", "degraded_slots", "web_only_slots")


@dataclass(frozen=True, slots=True)
class Interval:
    """A site was in one state, for one cause, from `start_ms` up to before `end_ms`.

    `evidence` holds plain facts (counts of packets, what the gateway did, a witness, a reason), which pages
    put into words. Of an interval that a reader has cut to a window it is still the whole interval's.
    """

    site: str
    start_ms: int
    end_ms: int
    state: TruthState
    cause: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def intervals_of(
    day: SlotDay,
    verdicts: Sequence[HoleVerdict] = (),
    maintenance: Sequence[str] = (),
    silences: Sequence[Silence] = (),
) -> list[Interval]:
    """Return a day's intervals, in order; slots outside the site's commissioned time are in none.

    `verdicts` are those of the holes that touch the day, `maintenance` the ids of its windows, `silences` the
    times in which only the agent's program was not running.
    """
    found: list[Interval] = []
    start = 0
    for index in range(1, len(day.codes) + 1):
        if index < len(day.codes) and _alike(day.codes[start], day.codes[index]):
            continue
        interval = _interval(day, start, index, verdicts, silences)
        if interval is not None and interval.state is TruthState.PLANNED and maintenance:
            interval = replace(interval, evidence={**interval.evidence, "maintenance": list(maintenance)})
        if interval is not None:
            found.append(interval)
        start = index
    return found


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Join neighbours of one site that say the same, as at a day's border; they must be in order of site and time."""
    found: list[Interval] = []
    for item in intervals:
        last = found[-1] if found else None
        if last is not None and last.end_ms == item.start_ms and _same(last, item):
            found[-1] = replace(last, end_ms=item.end_ms, evidence=_summed(last.evidence, item.evidence))
        else:
            found.append(item)
    return found


def _same(one: Interval, other: Interval) -> bool:
    return (one.site, one.state, one.cause, one.evidence.get("reason")) == (
        other.site,
        other.state,
        other.cause,
        other.evidence.get("reason"),
    )


def _summed(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    sums = {name: one.get(name, 0) + other.get(name, 0) for name in _COUNTED if name in one or name in other}
    return {**other, **one, **sums}


def _alike(one: str, other: str) -> bool:
    return MEANINGS[one] == MEANINGS[other]


def _interval(
    day: SlotDay, start: int, end: int, verdicts: Sequence[HoleVerdict], silences: Sequence[Silence]
) -> Interval | None:
    meaning = MEANINGS[day.codes[start]]
    if meaning.state is None:
        return None
    start_ms, end_ms = day.start_ms + start * SLOT_MS, day.start_ms + end * SLOT_MS
    evidence: dict[str, Any] = {}
    if sent := sum(day.sent[start:end]):
        evidence |= {"sent": sent, "received": sum(day.received[start:end])}
    codes = day.codes[start:end]
    evidence |= _seen(codes)
    if meaning.reason is not None:
        evidence["reason"] = meaning.reason
    if set(codes) & {Code.POWER, Code.PLANNED_POWER, Code.HOLE}:
        evidence |= _of_holes(verdicts, start_ms, end_ms)
    if Code.NO_ROWS in codes:
        evidence |= _of_silences(silences, start_ms, end_ms)
    return Interval(day.site, start_ms, end_ms, meaning.state, meaning.cause, evidence)


_GATEWAY: Mapping[str, str] = {
    Code.BACKHAUL: "answers",
    Code.PLANNED_BACKHAUL: "answers",
    Code.SITE_LAN: "silent",
    Code.PLANNED_SITE_LAN: "silent",
}


def _seen(codes: str) -> dict[str, Any]:
    """Return what the letters themselves tell beyond state and cause."""
    found: dict[str, Any] = {}
    for code, name in ((Code.DEGRADED, "degraded_slots"), (Code.WEB_ONLY, "web_only_slots")):
        if count := codes.count(code):
            found[name] = count
    gateways = sorted({_GATEWAY[code] for code in set(codes) if code in _GATEWAY})
    if len(gateways) == 1:
        found["gateway"] = gateways[0]
    if Code.ACCOUNT in codes or Code.PLANNED_ACCOUNT in codes:
        found["portal"] = True
    return found


def _of_holes(verdicts: Sequence[HoleVerdict], start_ms: int, end_ms: int) -> dict[str, Any]:
    touching = [item for item in verdicts if item.hole.start_ms < end_ms and item.hole.end_ms > start_ms]
    if not touching:
        return {}
    longest = max(touching, key=lambda item: (item.hole.end_ms - item.hole.start_ms, item.hole.start_ms))
    return dict(longest.evidence())


def _of_silences(silences: Sequence[Silence], start_ms: int, end_ms: int) -> dict[str, Any]:
    """Return what the silences tell that cover most of a time, if they cover half of it: a crash seldom comes alone."""
    covered: dict[str, int] = {}
    for item in silences:
        length_ms = min(item.end_ms, end_ms) - max(item.start_ms, start_ms)
        if length_ms > 0:
            covered[item.stop] = covered.get(item.stop, 0) + length_ms
    if not covered:
        return {}
    stop = max(sorted(covered), key=lambda word: covered[word])
    return {"stop": stop} if 2 * covered[stop] >= end_ms - start_ms else {}
