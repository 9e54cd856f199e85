"""Cutting a period where something about a site changes, so that a figure uses what held then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from aldea.indicators.evidence import IntervalLike, SiteHistory, UsageDayLike
from aldea.indicators.periods import Month, Period, day_start_ms, days_of, noon_ms
from aldea.indicators.terms import Setting

CUTTING_FACTS = ("programme", "inegi_code", "state_name", "urban", "population_15plus")
ACTIVE_STATE = "commissioned"
STATES = ("up", "down", "planned", "off")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one month in which nothing that decides about a site's figures changed.

    `active`: the site was in service. `elapsed_ms`: its length as far as it is over. `known_ms`: milliseconds by
    settled state; what is missing from it is unknown. `days`: its local days that are over; `usage`: counts by day.
    """

    site: SiteHistory
    month: Month
    start_ms: int
    end_ms: int
    elapsed_ms: int
    active: bool
    programmes: frozenset[str]
    state: str | None
    municipality: str | None
    locality: str
    setting: Setting
    population: float | None
    days: tuple[date, ...]
    known_ms: Mapping[str, int] = field(default_factory=dict)
    usage: Mapping[date, UsageDayLike] = field(default_factory=dict)


def segments_of(
    site: SiteHistory,
    period: Period,
    at_ms: int,
    intervals: Sequence[IntervalLike] = (),
    usage: Sequence[UsageDayLike] = (),
) -> list[Segment]:
    """Return the stretches of a site's period, in order. `intervals`: in order of time, not overlapping."""
    counts = {day.day: day for day in usage}
    pieces = [piece for month in period.months for piece in _pieces(site, month)]
    known = _known([(start, end) for _, start, end in pieces], intervals)
    return [_segment(site, piece, at_ms, found, counts) for piece, found in zip(pieces, known, strict=True)]


def _pieces(site: SiteHistory, month: Month) -> list[tuple[Month, int, int]]:
    start, end = month.span_ms(site.timezone)
    entries = [*site.states, *(entry for name in CUTTING_FACTS for entry in site.facts.get(name, ()))]
    cuts = {start, end}
    for entry in entries:
        cuts |= {at for at in (entry.from_ms, entry.to_ms) if at is not None and start < at < end}
    edges = sorted(cuts)
    return [(month, first, last) for first, last in pairwise(edges)]


def _segment(
    site: SiteHistory,
    piece: tuple[Month, int, int],
    at_ms: int,
    known_ms: Mapping[str, int],
    counts: Mapping[date, UsageDayLike],
) -> Segment:
    month, start, end = piece
    code = str(site.fact_at("inegi_code", start) or "")
    state = site.fact_at("state_name", start)
    days = tuple(day for day in days_of(month) if _counts(day, site.timezone, start, end, at_ms))
    return Segment(
        site=site,
        month=month,
        start_ms=start,
        end_ms=end,
        elapsed_ms=max(0, min(end, at_ms) - start),
        active=site.state_at(start) == ACTIVE_STATE,
        programmes=site.all_at("programme", start),
        state=None if state is None else str(state),
        municipality=code[:5] if len(code) in {5, 9} else None,
        locality=code if len(code) == 9 else f"site {site.id}",
        setting=Setting.URBAN if _is_true(site.fact_at("urban", start)) else Setting.RURAL,
        population=_number(site.fact_at("population_15plus", start)),
        days=days,
        known_ms=known_ms,
        usage={day: counts[day] for day in days if day in counts},
    )


def _counts(day: date, zone: str, start: int, end: int, at_ms: int) -> bool:
    """Say whether a day belongs to a stretch (its noon does) and is over."""
    noon = noon_ms(day, zone)
    return start <= noon < end and day_start_ms(date.fromordinal(day.toordinal() + 1), zone) <= at_ms


def _known(spans: Sequence[tuple[int, int]], intervals: Iterable[IntervalLike]) -> list[dict[str, int]]:
    """Add up each state's milliseconds within each span: one pass over both, each in order."""
    found: list[dict[str, int]] = [{} for _ in spans]
    first = 0
    for one in intervals:
        while first < len(spans) and spans[first][1] <= one.start_ms:
            first += 1
        place = first
        while place < len(spans) and spans[place][0] < one.end_ms:
            length = min(one.end_ms, spans[place][1]) - max(one.start_ms, spans[place][0])
            state = str(one.state)
            if length > 0 and state in STATES:
                found[place][state] = found[place].get(state, 0) + length
            place += 1
    return found


def _is_true(value: object) -> bool:
    return value is True or str(value).lower() in {"true", "1", "yes"}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number > 0 else None
