"""Months, quarters and years, cut in a site's own time zone. Days there have 23, 24 or 25 hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from aldea.model.said import Said


class PeriodError(ValueError):
    """A period that can't be read; the message says what one looks like."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @property
    def code(self) -> str:
        """As `202506`."""
        return f"{self.year:04d}{self.month:02d}"

    @property
    def first_day(self) -> date:
        """The first day."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The last day."""
        return self.shifted(1).first_day - timedelta(days=1)

    @property
    def ends_quarter(self) -> bool:
        """Whether a quarter is over with it."""
        return self.month % 3 == 0

    @property
    def quarter(self) -> tuple[int, int]:
        """The year and the quarter it is in."""
        return self.year, (self.month - 1) // 3 + 1

    def shifted(self, months: int) -> Month:
        """Return the month that is so many months later, or earlier."""
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def span_ms(self, zone: str) -> tuple[int, int]:
        """Return its start and its end in a zone, ms since 1970; the end is not included."""
        return day_start_ms(self.first_day, zone), day_start_ms(self.shifted(1).first_day, zone)


@dataclass(frozen=True, slots=True)
class Period:
    """A month, a quarter or a year: its code and its months."""

    code: str
    months: tuple[Month, ...]

    @property
    def first_day(self) -> date:
        """The first day."""
        return self.months[0].first_day

    @property
    def last_day(self) -> date:
        """The last day."""
        return self.months[-1].last_day


def month_of(code: str) -> Month:
    """Return the month written as `202506`. Raises PeriodError for anything else."""
    found = re.fullmatch(r"([0-9]{4})([0-9]{2})", code)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1990 <= int(found[1]) <= 2200:
        raise PeriodError(
            Said(
                f"{code[:20]!r} is not a month: write the year and the month, such as 202506",
                f"{code[:20]!r} no es un mes: se escriben el año y el mes, como 202506",
            )
        )
    return Month(int(found[1]), int(found[2]))


def period_of(code: str) -> Period:
    """Return the period written as `202506`, `2025Q2` or `2025`. Raises PeriodError for anything else."""
    if quarter := re.fullmatch(r"([0-9]{4})Q([1-4])", code):
        first = month_of(f"{quarter[1]}{int(quarter[2]) * 3 - 2:02d}")
        return Period(code, tuple(first.shifted(step) for step in range(3)))
    if re.fullmatch(r"[0-9]{4}", code):
        first = month_of(f"{code}01")
        return Period(code, tuple(first.shifted(step) for step in range(12)))
    try:
        return Period(code, (month_of(code),))
    except PeriodError as error:
        raise PeriodError(
            Said(
                f"period is {code[:20]!r}: write a month as 202506, a quarter as 2025Q2 or a year as 2025",
                f"el periodo es {code[:20]!r}: un mes se escribe como 202506, un trimestre como 2025Q2 "
                "y un año como 2025",
            )
        ) from error


def month_at(at_ms: int, zone: str) -> Month:
    """Return the month in which an instant lies in a zone."""
    local = datetime.fromtimestamp(at_ms / 1000, _zone(zone))
    return Month(local.year, local.month)


@lru_cache(maxsize=20_000)
def day_start_ms(day: date, zone: str) -> int:
    """Return when a day begins in a zone, ms since 1970."""
    return int(datetime.combine(day, time(), _zone(zone)).astimezone(UTC).timestamp() * 1000)


@lru_cache(maxsize=20_000)
def noon_ms(day: date, zone: str) -> int:
    """Return a day's noon in a zone: the moment that says to which stretch of time a day belongs."""
    return int(datetime.combine(day, time(12), _zone(zone)).astimezone(UTC).timestamp() * 1000)


def days_of(month: Month) -> tuple[date, ...]:
    """Return a month's days."""
    return tuple(month.first_day + timedelta(days=step) for step in range((month.last_day - month.first_day).days + 1))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
