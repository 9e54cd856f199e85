"""Where the marks of an axis stand: round numbers on one, local hours and days on the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Span:
    """One of the ranges a page offers: its length, the step of its values, its marks and table rows."""

    name: str
    length_ms: int
    step_ms: int
    mark: timedelta
    row_ms: int
    label: str


SPANS = (
    Span("1h", HOUR_MS, 60_000, timedelta(minutes=10), 5 * 60_000, "minute"),
    Span("24h", 24 * HOUR_MS, 5 * 60_000, timedelta(hours=4), HOUR_MS, "minute"),
    Span("7d", 7 * 24 * HOUR_MS, HOUR_MS, timedelta(days=1), 6 * HOUR_MS, "weekday"),
    Span("30d", 30 * 24 * HOUR_MS, 3 * HOUR_MS, timedelta(days=5), 24 * HOUR_MS, "day"),
)
DEFAULT_SPAN = SPANS[1]


def span_named(name: str | None) -> Span | None:
    """Return a range by its name, the default for None; None when there is no such range."""
    if name is None:
        return DEFAULT_SPAN
    return next((span for span in SPANS if span.name == name), None)


def round_step(highest: float, marks: int = 4) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten with which `marks` steps reach `highest`."""
    if highest <= 0 or not math.isfinite(highest):
        return 1.0
    raw = highest / marks
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.9999)


def value_marks(highest: float, marks: int = 4) -> list[float]:
    """Return round values from zero to at least `highest`."""
    step = round_step(highest, marks)
    return [step * index for index in range(math.ceil(highest / step - 1e-9) + 1)] if highest > 0 else [0.0, 1.0]


def time_marks(start_ms: int, end_ms: int, mark: timedelta, zone: ZoneInfo) -> list[tuple[int, datetime]]:
    """Return the round local times within a range, as (milliseconds since 1970, local time).

    Hours are counted from local midnight, so that marks stay at round hours when daylight saving changes.
    """
    found: list[tuple[int, datetime]] = []
    day = datetime.fromtimestamp(start_ms / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    last = datetime.fromtimestamp(end_ms / 1000, zone)
    step_days = max(1, mark.days)
    while day <= last:
        moments = [day] if mark >= timedelta(days=1) else _within_day(day, mark)
        for moment in moments:
            at = round(moment.timestamp() * 1000)
            if start_ms <= at <= end_ms:
                found.append((at, moment))
        day = (day + timedelta(days=step_days)).replace(hour=0)
    return found


def _within_day(day: datetime, mark: timedelta) -> list[datetime]:
    count = round(timedelta(days=1) / mark)
    return [day + index * mark for index in range(count)]
