"""Opening hours of a site in its own time zone, as instants. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 15
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Opening:
    """A week of [from, to) spans in minutes of the local day, Monday first; `to` beyond 1440 is the next morning."""

    zone: str
    week: tuple[tuple[tuple[int, int], ...], ...]

    def spans(self, from_ms: int, days: int = LOOK_AHEAD_DAYS) -> Iterator[tuple[int, int]]:
        """Yield the spans that end after `from_ms`, in order, as milliseconds since 1970."""
        zone = ZoneInfo(self.zone)
        first = datetime.fromtimestamp(from_ms / 1000, zone).date() - timedelta(days=1)
        for number in range(days + 2):
            day = first + timedelta(days=number)
            for start, end in self.week[day.weekday()]:
                opens, closes = (_instant(day.toordinal(), minute, zone) for minute in (start, end))
                if closes > from_ms and closes > opens:
                    yield opens, closes

    def first_expected(self, at_ms: int, heard_ms: int, patience_ms: int) -> tuple[int, int] | None:
        """Return when, from `at_ms` on, a site last heard at `heard_ms` must be heard, and since when it is missed.

        Within a span in which it was heard that is at once. One that was not heard since the span began is given
        `patience_ms` from the opening, but not beyond the closing. None: it doesn't open within two weeks.
        """
        for opens, closes in self.spans(at_ms - 1):
            if heard_ms >= opens:
                if at_ms < closes:
                    return at_ms, heard_ms
                continue
            due = max(at_ms, min(opens + patience_ms, closes))
            if due <= closes:
                return due, opens
        return None

    def is_open(self, at_ms: int) -> bool:
        """Say whether the site is open at `at_ms`."""
        return any(opens <= at_ms for opens, _ in self.spans(at_ms, days=0))


def parse_opening(hours: object, zone: str) -> Opening | None:
    """Read the fact `opening_hours`; None where it is missing, empty or can't be read: then nothing is excused."""
    if not isinstance(hours, Mapping):
        return None
    try:
        ZoneInfo(zone)
        week = tuple(tuple(_span(item) for item in hours.get(day) or ()) for day in WEEKDAYS)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return None
    return Opening(zone, week) if any(week) else None


def _span(item: object) -> tuple[int, int]:
    if not isinstance(item, list | tuple) or len(item) != 2:
        raise ValueError("not [from, to]")
    start, end = (_minute(part) for part in item)
    return start, end if end > start else end + DAY_MINUTES


def _minute(text: object) -> int:
    found = _CLOCK.fullmatch(str(text))
    if found is None:
        raise ValueError("not HH:MM")
    return min(int(found[1]) * 60 + int(found[2]), DAY_MINUTES)


def _instant(ordinal: int, minute: int, zone: ZoneInfo) -> int:
    """Return a local minute of a day as an instant; one that the clocks skip is the same instant after the jump."""
    day = datetime.fromordinal(ordinal).date() + timedelta(days=minute // DAY_MINUTES)
    local = datetime.combine(day, time(minute % DAY_MINUTES // 60, minute % 60), zone)
    return int(local.astimezone(UTC).timestamp() * 1000)
