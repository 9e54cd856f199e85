"""Figures for Prometheus, read from the register at the moment of asking: no state that could go stale."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.directory import SEVERITY, Listed, listed, visible_pulses
from aldea.dashboard_api.incident_view import may_see
from aldea.model.truth import Cause
from aldea.storage.register.collectors import CollectorStatus, collector_statuses
from aldea.storage.register.commands import count_open_commands
from aldea.storage.register.incidents import Incident, open_incidents

if TYPE_CHECKING:
    from aldea.dashboard_api.access.visitor import Visitor
    from aldea.dashboard_api.context import Context

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Ready(Collector):
    """Figures that are worked out already."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def exposition(context: Context, visitor: Visitor) -> bytes:
    """Return everything as Prometheus text; of the sites, those that the visitor may see."""
    now = context.clock.wall_ms()
    with context.register.reading() as unit:
        visible = visible_sites(unit, visitor, now)
        sites = listed(visible_pulses(unit, visible), now)
        statuses = collector_statuses(unit)
        commands = count_open_commands(unit) if visible is None else None
        incidents = [one for one in open_incidents(unit) if may_see(one, visible)]
    found = [*_own(context), *_sites(sites), *_incidents(incidents), *_collectors(statuses), *_commands(commands)]
    registry = CollectorRegistry()
    registry.register(_Ready(found))
    return generate_latest(registry) + generate_latest(context.traffic.registry)


def _own(context: Context) -> Iterator[Metric]:
    build = {"version": context.version, "python": platform.python_version()}
    yield InfoMetricFamily("aldea_build", "What runs here.", value=build)
    yield _gauge("aldea_stream_clients", "Clients of the live stream.", context.live.clients)
    dropped = "Clients of the live stream that were let go because they were too slow."
    yield CounterMetricFamily("aldea_stream_clients_dropped", dropped, value=context.live.dropped)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _sites(sites: Sequence[Listed]) -> Iterator[Metric]:
    total = GaugeMetricFamily("aldea_sites", "Sites by live state.", labels=("state", "simulated"))
    found = Counter((site.state, site.pulse.simulated) for site in sites)
    for state in SEVERITY:
        for simulated in (False, True):
            total.add_metric((state.value, str(simulated).lower()), found[state, simulated])
    yield total
    states = GaugeMetricFamily(
        "aldea_site_state", "1 for the state a site is in; there is one series a site.", labels=("site", "state")
    )
    heard = GaugeMetricFamily(
        "aldea_site_last_arrival_timestamp_seconds", "When a site was last heard.", labels=("site",)
    )
    for site in sites:
        states.add_metric((site.pulse.site, site.state.value), 1)
        if site.pulse.last_arrival_ms is not None:
            heard.add_metric((site.pulse.site,), site.pulse.last_arrival_ms / 1000)
    yield states
    yield heard


def _incidents(found: Sequence[Incident]) -> Iterator[Metric]:
    total = GaugeMetricFamily("aldea_incidents_open", "Open incidents by cause.", labels=("cause", "simulated"))
    counted = Counter((one.cause or "unknown", one.simulated) for one in found)
    for cause in Cause:
        for simulated in (False, True):
            total.add_metric((cause.value, str(simulated).lower()), counted[cause.value, simulated])
    yield total
    unseen = GaugeMetricFamily(
        "aldea_incidents_unacknowledged", "Open incidents that nobody has acknowledged.", labels=("simulated",)
    )
    for simulated in (False, True):
        number = sum(one.acknowledged_ms is None and one.simulated is simulated for one in found)
        unseen.add_metric((str(simulated).lower(),), number)
    yield unseen


def _commands(found: Mapping[str, int] | None) -> Iterator[Metric]:
    """Yield how many commands are under way; nothing for whoever sees only some of the sites."""
    if found is None:
        return
    total = GaugeMetricFamily("aldea_commands_open", "Commands to devices that are under way.", labels=("state",))
    for state, number in found.items():
        total.add_metric((state,), number)
    yield total


def _collectors(statuses: Sequence[CollectorStatus]) -> Iterator[Metric]:
    gauges: tuple[tuple[str, str, Callable[[CollectorStatus], float]], ...] = (
        ("connected", "1 while connected to the broker.", lambda s: float(s.connected)),
        ("reported_timestamp_seconds", "When it last reported.", lambda s: s.reported_ms / 1000),
        ("journal_position", "Its journal's newest position.", lambda s: s.journal_position),
        ("series_lag_entries", "Journal entries the series store lacks.", _behind("series_position")),
        ("feed_lag_entries", "Journal entries the feed lacks.", _behind("feed_position")),
        ("series_failing", "1 while the series store takes no rows.", lambda s: float(s.series_error is not None)),
    )
    for name, help_text, value in gauges:
        gauge = GaugeMetricFamily(f"aldea_collector_{name}", help_text, labels=("collector",))
        for status in statuses:
            gauge.add_metric((status.collector,), value(status))
        yield gauge
    commit = "When its journal last committed."
    commits = GaugeMetricFamily("aldea_collector_last_commit_timestamp_seconds", commit, labels=("collector",))
    counted = CounterMetricFamily("aldea_collector_counted", "What it has counted.", labels=("collector", "what"))
    bad = CounterMetricFamily(
        "aldea_collector_quarantined", "What went to quarantine, by reason.", labels=("collector", "reason")
    )
    for status in statuses:
        if status.last_commit_ms is not None:
            commits.add_metric((status.collector,), status.last_commit_ms / 1000)
        for what, number in sorted(status.counters.items()):
            counted.add_metric((status.collector, what), number)
        for reason, number in sorted(status.quarantine.items()):
            bad.add_metric((status.collector, reason), number)
    yield from (commits, counted, bad)


def _behind(position: str) -> Callable[[CollectorStatus], float]:
    return lambda status: max(0, status.journal_position - int(getattr(status, position)))
