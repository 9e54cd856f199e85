"""The charts of a site's page, ready to be put into its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from aldea.dashboard_api.charts.axes import Span, time_marks, value_marks
from aldea.dashboard_api.charts.drawing import Window, condensed, holes, path
from aldea.dashboard_api.charts.panels import Plotted
from aldea.dashboard_api.web.shown import Shown


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn line with its legend."""

    label: str
    path: str
    newest: str
    mean: str
    highest: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of an axis: where, in percent, and what it says."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time, in percent of the width."""

    at: str
    width: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the chart's table."""

    time: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with everything that is written on it. `top` is the value at its upper edge, for the pointer."""

    key: str
    title: str
    unit: str
    curves: Sequence[Curve]
    value_marks: Sequence[Mark]
    time_marks: Sequence[Mark]
    holes: Sequence[Band]
    failed: Sequence[str]
    left_out: int
    top: float
    start_ms: int
    end_ms: int
    scale: float
    table: Sequence[TableRow]


def draw(plotted: Sequence[Plotted], window: Window, span: Span, zone: ZoneInfo, shown: Shown) -> list[Chart]:
    """Return the charts, in the order given."""
    marks = time_marks(window.start_ms, window.end_ms, span.mark, zone)
    shown_marks = [
        Mark(_percent(window.x(at)), shown.mark(moment, span.label))
        for at, moment in marks
        if 0.04 <= window.x(at) <= 0.96
    ]
    return [_chart(one, window, span, zone, shown, shown_marks) for one in plotted]


def _chart(plotted: Plotted, window: Window, span: Span, zone: ZoneInfo, shown: Shown, marks: Sequence[Mark]) -> Chart:
    panel, lines = plotted.panel, plotted.lines
    highest = max((float(line.values.max()) for line in lines), default=0.0)
    if panel.unit == "ratio":
        highest = 1.0 if panel.key == "host" else min(1.0, max(highest, 0.1))
    scale, unit = shown.scale(panel.unit, highest)
    values = value_marks(max(highest * scale, 4.0 if panel.whole else 0.0))
    top = values[-1]
    return Chart(
        key=panel.key,
        title=shown.say(panel.title),
        unit=unit,
        curves=[
            Curve(
                line.label,
                path(line, window, top / scale),
                shown.scaled(float(line.values[-1]) * scale, unit),
                shown.scaled(float(line.values.mean()) * scale, unit),
                shown.scaled(float(line.values.max()) * scale, unit),
            )
            for line in lines
        ],
        value_marks=[Mark(_percent(1 - value / top), shown.plain(value)) for value in values],
        time_marks=marks,
        holes=[Band(_percent(at), _percent(width)) for at, width in holes(lines, window)],
        failed=[_percent(window.x(at + window.step_ms / 2)) for at in plotted.failed_ms if at >= window.start_ms],
        left_out=plotted.left_out,
        top=top,
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        scale=scale,
        table=_table(plotted, window, span, zone, shown, scale),
    )


def _table(plotted: Plotted, window: Window, span: Span, zone: ZoneInfo, shown: Shown, scale: float) -> list[TableRow]:
    columns = [condensed(line, window, span.row_ms) for line in plotted.lines]
    starts = sorted({start for column in columns for start in column}, reverse=True)
    return [
        TableRow(
            shown.moment(start, zone),
            [shown.plain(column[start] * scale) if start in column else "" for column in columns],
        )
        for start in starts
    ]


def _percent(share: float) -> str:
    return f"{round(min(max(share, 0.0), 1.0) * 100, 2):g}%"
