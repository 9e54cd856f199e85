"""Which charts a site's page has, and where their values come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aldea.dashboard_api.charts.drawing import Line, Window
from aldea.model.columns import Floats
from aldea.model.sample import Tags
from aldea.model.series import Aggregate, Query, Series, SeriesInfo, SeriesStore

N_ = str
"""Marks a text for the catalogues where it is defined; it is translated where it is shown."""

MAX_LINES = 5
HIDDEN_INTERFACES = ("lo", "docker", "veth", "br-", "virbr")


@dataclass(frozen=True, slots=True)
class Source:
    """One field of a panel. `divide_by` makes a rate: sums of both over a step, as bits a second."""

    field: str
    label: str = ""
    divide_by: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart: a measurement's fields, drawn together. `unit` is `s`, `ratio`, `bit/s` or nothing."""

    key: str
    title: str
    measurement: str
    unit: str
    sources: tuple[Source, ...]
    tag: str | None = None
    failures: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Plotted:
    """A panel with its lines, and the steps in which something failed."""

    panel: Panel
    lines: Sequence[Line]
    failed_ms: Sequence[int]
    left_out: int


RATE = "interval_seconds"

PANELS = (
    Panel("rtt", N_("Round trip time"), "ping", "s", (Source("rtt_avg_seconds"),), "target", failures=True),
    Panel("loss", N_("Packet loss"), "ping", "ratio", (Source("loss_ratio"),), "target"),
    Panel("dns", N_("Name resolution (DNS)"), "dns", "s", (Source("duration_seconds"),), "target", failures=True),
    Panel("http", N_("Web access (HTTP)"), "http", "s", (Source("duration_seconds"),), "target", failures=True),
    Panel(
        "wan",
        N_("Internet traffic, from the router"),
        "snmp",
        "bit/s",
        (Source("rx_bytes", N_("download"), RATE), Source("tx_bytes", N_("upload"), RATE)),
    ),
    Panel("clients", N_("Connected devices"), "snmp", "", (Source("clients"),), "target", whole=True),
    Panel(
        "traffic",
        N_("Traffic of the agent's machine"),
        "interfaces",
        "bit/s",
        (Source("rx_bytes", N_("received"), RATE), Source("tx_bytes", N_("sent"), RATE)),
        "interface",
    ),
    Panel(
        "host",
        N_("Memory and disk in use"),
        "host",
        "ratio",
        (Source("memory_used_ratio", N_("memory")), Source("disk_used_ratio", N_("disk"))),
    ),
)


def plot(
    store: SeriesStore, site: str, window: Window, catalogue: Sequence[SeriesInfo], say: Callable[[str], str]
) -> list[Plotted]:
    """Read the panels for which the site has data; `say` translates a label."""
    held = {(info.measurement, field) for info in catalogue for field in info.fields}
    found: list[Plotted] = []
    for panel in PANELS:
        sources = [source for source in panel.sources if (panel.measurement, source.field) in held]
        if not sources:
            continue
        lines = [line for source in sources for line in _lines(store, site, window, panel, source, say)]
        failed = _failed(store, site, window, panel) if (panel.measurement, "failure") in held else []
        found.append(Plotted(panel, lines[:MAX_LINES], failed, max(0, len(lines) - MAX_LINES)))
    return found


def _query(site: str, window: Window, measurement: str, field: str, aggregate: Aggregate) -> Query:
    start = window.start_ms // window.step_ms * window.step_ms
    return Query(site, measurement, field, start, window.end_ms, window.step_ms, aggregate)


def _lines(
    store: SeriesStore, site: str, window: Window, panel: Panel, source: Source, say: Callable[[str], str]
) -> list[Line]:
    aggregate = Aggregate.MEAN if source.divide_by is None else Aggregate.SUM
    found = store.read(_query(site, window, panel.measurement, source.field, aggregate))
    over: dict[tuple[str, Tags], Series] = {}
    if source.divide_by is not None:
        lengths = store.read(_query(site, window, panel.measurement, source.divide_by, Aggregate.SUM))
        over = {(one.device, one.tags): one for one in lengths}
    devices = {one.device for one in found}
    lines: list[Line] = []
    for one in sorted(found, key=lambda item: (item.tags, item.device)):
        tags = dict(one.tags)
        if tags.get("interface", "").startswith(HIDDEN_INTERFACES) or isinstance(one.values, list):
            continue
        parts = [tags.get(panel.tag, "") if panel.tag else "", say(source.label) if source.label else ""]
        parts.append(one.device if len(devices) > 1 else "")
        line = Line(" · ".join(part for part in parts if part), one.times_ms, one.values)
        lines.append(line if source.divide_by is None else _rate(line, over.get((one.device, one.tags))))
    return [line for line in lines if len(line.times_ms)]


def _rate(line: Line, lengths: Series | None) -> Line:
    """Bytes of a step over the seconds they took, as bits a second; steps without a length are left out."""
    if lengths is None or isinstance(lengths.values, list):
        return Line(line.label, line.times_ms[:0], line.values[:0])
    _, mine, theirs = np.intersect1d(line.times_ms, lengths.times_ms, return_indices=True)
    seconds: Floats = lengths.values[theirs]
    kept = seconds > 0
    return Line(line.label, line.times_ms[mine][kept], line.values[mine][kept] * 8 / seconds[kept])


def _failed(store: SeriesStore, site: str, window: Window, panel: Panel) -> list[int]:
    if not panel.failures:
        return []
    found = store.read(_query(site, window, panel.measurement, "failure", Aggregate.COUNT))
    return sorted({int(at) for one in found for at in one.times_ms})
