"""Evidence in memory, and shorthands that make a village's month of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aldea.indicators.evidence import Dated, SiteHistory
from aldea.indicators.periods import day_start_ms, period_of
from aldea.indicators.values import Value

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ZONE = "America/Merida"
JUNE = period_of("202506")
AFTER_JUNE = day_start_ms(date(2025, 7, 20), ZONE)
"""June 2025 is closed by then."""

LONG_AGO = day_start_ms(date(2024, 1, 1), ZONE)


@dataclass(frozen=True)
class Interval:
    site: str
    start_ms: int
    end_ms: int
    state: str


@dataclass(frozen=True)
class Usage:
    site: str
    day: date
    unique_devices: int | None
    status: str = "A"
    covered_ratio: float | None = 1.0


@dataclass(frozen=True)
class Entry:
    site: str
    form: str
    event_date: date
    payload: Mapping[str, Any]
    programme: str = ""


@dataclass(frozen=True)
class Programme:
    id: str
    duties: Mapping[str, str]
    starts_on: date = date(2020, 1, 1)
    ends_on: date | None = None


@dataclass
class Memory:
    """The port, fed by hand."""

    places: list[SiteHistory] = field(default_factory=list)
    truth: list[Interval] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    owing: list[Programme] = field(default_factory=list)

    def sites(self, *, simulated: bool) -> Sequence[SiteHistory]:
        return [site for site in self.places if site.simulated == simulated]

    def intervals(self, sites: Collection[str], from_ms: int, to_ms: int) -> Iterable[Interval]:
        for one in self.truth:
            start, end = max(one.start_ms, from_ms), min(one.end_ms, to_ms)
            if one.site in sites and start < end:
                yield Interval(one.site, start, end, one.state)

    def usage_days(self, sites: Collection[str], first: date, last: date) -> Iterable[Usage]:
        return [one for one in self.usage if one.site in sites and first <= one.day <= last]

    def records(self, forms: Collection[str], first: date, last: date, sites: Collection[str]) -> Iterable[Entry]:
        return [
            one for one in self.entries if one.form in forms and one.site in sites and first <= one.event_date <= last
        ]

    def programmes(self) -> Sequence[Programme]:
        return self.owing


def make_site(
    name: str,
    *,
    code: str | None = "31079",
    state: str | None = "Yucatán",
    zone: str = ZONE,
    simulated: bool = False,
    since_ms: int = LONG_AGO,
    until_ms: int | None = None,
    programmes: Sequence[str] = (),
    **facts: Any,
) -> SiteHistory:
    states = [Dated("commissioned", since_ms, until_ms)]
    if until_ms is not None:
        states.append(Dated("closed", until_ms))
    known = {"inegi_code": code, "state_name": state, **facts}
    dated: dict[str, list[Dated]] = {key: [Dated(value, LONG_AGO)] for key, value in known.items() if value is not None}
    dated["programme"] = [Dated(programme, LONG_AGO) for programme in programmes]
    return SiteHistory(name, name.title(), zone, simulated, states, dated)


def minutes(site: str, start_ms: int, **parts: int) -> list[Interval]:
    """Intervals one after the other, from lengths in minutes by state."""
    found: list[Interval] = []
    for state, length in parts.items():
        found.append(Interval(site, start_ms, start_ms + length * MINUTE, state))
        start_ms += length * MINUTE
    return found


def days(site: str, first: date, counts: Sequence[int | None]) -> list[Usage]:
    return [
        Usage(site, first + timedelta(days=place), count, "A" if count is not None else "M")
        for place, count in enumerate(counts)
    ]


def june_starts(zone: str = ZONE) -> int:
    return day_start_ms(date(2025, 6, 1), zone)


def course(site: str, on: date, people: Sequence[Mapping[str, Any]], *, programme: str = "", **other: Any) -> Entry:
    payload = {"course": "Ventas en línea", "mode": "in_person", "sessions_planned": 4, "participants": list(people)}
    return Entry(site, "course", on, {**payload, **other}, programme)


def person(
    code: str,
    *,
    sex: str = "F",
    age: str = "25-44",
    enrolled: date = date(2025, 6, 2),
    attended: int = 4,
    completed: date | None = None,
) -> dict[str, Any]:
    return {
        "code": code,
        "sex": sex,
        "age_band": age,
        "enrolled_on": enrolled.isoformat(),
        "sessions_attended": attended,
        "completed_on": None if completed is None else completed.isoformat(),
    }


def nothing(site: str, form: str, month: str = "202506", programme: str = "") -> Entry:
    return Entry(site, "nothing", date(int(month[:4]), int(month[4:]), 28), {"form": form, "month": month}, programme)


def pick(values: Iterable[Value], indicator: str, area: str = "all", programme: str = "", **disagg: str) -> Value:
    level, _, code = area.partition(":")
    found = [
        value
        for value in values
        if (value.indicator, value.area.level, value.area.code, value.programme)
        == (indicator, level, code or "all", programme)
        and dict(value.disagg) == disagg
    ]
    assert len(found) == 1, f"{indicator} {area} {programme} {disagg}: {len(found)} values"
    return found[0]


def has(values: Iterable[Value], indicator: str, area: str = "all", programme: str = "") -> bool:
    level, _, code = area.partition(":")
    return any(
        (value.indicator, value.area.level, value.area.code, value.programme)
        == (indicator, level, code or "all", programme)
        for value in values
    )
