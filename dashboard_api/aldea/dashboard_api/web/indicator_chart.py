"""A small chart of an indicator over its months: a dot for each value, a line for where it may lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aldea.dashboard_api.web.indicator_words import FigureShown, FigureWriter
from aldea.indicators.indicator import Indicator
from aldea.storage.register.indicator_values import IndicatorValue


@dataclass(frozen=True, slots=True)
class PeriodMark:
    """A month, and its value where there is one."""

    code: str
    row: IndicatorValue | None


@dataclass(frozen=True, slots=True)
class Point:
    """A month's place in the drawing; `y`, `low`, `high` in percent from the top, None for none."""

    code: str
    label: str
    name: str
    x: str
    y: str | None
    low: str | None
    high: str | None
    figure: FigureShown


@dataclass(frozen=True, slots=True)
class SeriesChart:
    """The drawing: its months, the line through neighbouring values (0 to 1000 by 0 to 100), marks of its axis."""

    points: Sequence[Point]
    path: str
    marks: Sequence[tuple[str, str]]
    limit: str | None


def drawn(entry: Indicator, months: Sequence[PeriodMark], writer: FigureWriter) -> SeriesChart:
    """Return the chart of the months given. A line never crosses a month without a value."""
    top = _top(entry, months)
    points: list[Point] = []
    path, joined = "", False
    for place, month in enumerate(months):
        x = (place + 0.5) / len(months)
        row = month.row
        value = None if row is None else row.value
        if value is not None:
            path += f"{'L' if joined else 'M'}{x * 1000:.0f} {100 - 100 * value / top:.1f}"
        joined = value is not None
        low, high = (None, None) if row is None else (row.bounds_low, row.bounds_high)
        points.append(
            Point(
                month.code,
                writer.brief_period(month.code),
                writer.period(month.code),
                f"{x:.2%}",
                _y(value, top),
                _y(low, top),
                _y(high, top),
                writer.figure(entry, row),
            )
        )
    marks = [(_y(top * part, top) or "", writer.decimal(top * part).removesuffix(".0")) for part in (0, 0.5, 1)]
    limit = None if entry.threshold is None else _y(entry.threshold.good, top)
    return SeriesChart(points, path, marks, limit)


def _top(entry: Indicator, months: Sequence[PeriodMark]) -> float:
    if entry.unit == "percent":
        return 100.0
    values = [month.row.value for month in months if month.row is not None and month.row.value is not None]
    highest = max(values, default=1.0) or 1.0
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if highest <= step)
    return float(step)


def _y(value: float | None, top: float) -> str | None:
    return None if value is None else f"{100 - min(max(100 * value / top, 0), 100):.1f}%"
