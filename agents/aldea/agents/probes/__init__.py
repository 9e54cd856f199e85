"""The probes. To add one: a file here with a class, a table in `settings.py`, a line in PROBES.

A probe's name is at once its key here, its settings table `[agent.<name>]` and its measurement. What only
one probe needs is imported inside its file, at first use, so that a small machine loads nothing in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.agents.probe import Probe, ProbeContext, ScheduledProbe
from aldea.agents.probes.budget import BudgetProbe, budget_of
from aldea.agents.probes.dns import DnsProbe
from aldea.agents.probes.host import HostProbe
from aldea.agents.probes.http import HttpProbe
from aldea.agents.probes.interfaces import InterfacesProbe
from aldea.agents.probes.ping import PingProbe
from aldea.agents.probes.throughput import ThroughputProbe
from aldea.agents.probes.throughput.crossing import Crossing
from aldea.agents.settings import what_it_sees

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.agents.settings import AgentSettings

SHORTEST_LIMIT_SECONDS = 10.0
LONGEST_LIMIT_SECONDS = 45.0
SPARE_SECONDS = 2.0
"""A probe that asks several devices ends so much before its limit, with what it has."""


def _snmp(settings: AgentSettings, context: ProbeContext) -> Probe:
    from aldea.agents.probes.snmp import SnmpProbe  # noqa: PLC0415 - where there is a device to ask

    limit = limit_seconds(settings, settings.snmp.every_seconds) - SPARE_SECONDS
    return SnmpProbe(settings.snmp, context, limit)


def _clients(settings: AgentSettings, context: ProbeContext) -> Probe:
    from aldea.agents.probes.clients import ClientsProbe  # noqa: PLC0415 - where somebody is counted

    return ClientsProbe(settings.clients, context, max(settings.clients.every_seconds, settings.sample_seconds))


def _power(settings: AgentSettings, context: ProbeContext) -> Probe:
    from aldea.agents.probes.power import PowerProbe  # noqa: PLC0415 - where there is a battery to ask for

    limit = limit_seconds(settings, settings.power.every_seconds) - SPARE_SECONDS
    return PowerProbe(settings.power, context, limit)


PROBES: dict[str, Callable[[AgentSettings, ProbeContext], Probe]] = {
    "ping": lambda settings, context: PingProbe(settings.ping, context),
    "dns": lambda settings, context: DnsProbe(settings.dns, context),
    "http": lambda settings, context: HttpProbe(settings.http, context),
    "interfaces": lambda settings, context: InterfacesProbe(settings.interfaces, context),
    "host": lambda settings, context: HostProbe(settings.host, context),
    "snmp": _snmp,
    "clients": _clients,
    "power": _power,
    "throughput": lambda settings, context: ThroughputProbe(
        settings.throughput,
        context,
        budget_of(settings, context),
        Crossing(settings.snmp, context, sees_all=what_it_sees(settings).wan_bytes),
    ),
    "budget": lambda settings, context: BudgetProbe(budget_of(settings, context)),
}


def scheduled_probes(settings: AgentSettings, context: ProbeContext) -> tuple[ScheduledProbe, ...]:
    """Return the enabled probes that have something to ask, with their rhythm, never faster than the sampling cycle.

    A round is given up when the next one is due, but not before 10 and not after 45 seconds; a test of the throughput
    when it has had the time that its settings allow.
    """
    chosen = []
    idle = _without_sources(settings)
    for name, make in PROBES.items():
        section = getattr(settings, name)
        if section.enabled and name not in idle:
            every = max(section.every_seconds, settings.sample_seconds)
            limit = limit_seconds(settings, section.every_seconds)
            if name == "throughput":
                limit = max(limit, settings.throughput.longest_seconds)
            chosen.append(ScheduledProbe(make(settings, context), every, limit))
    return tuple(chosen)


def _without_sources(settings: AgentSettings) -> set[str]:
    """Return the probes that would ask nobody: they need not even be loaded."""
    sources = {
        "snmp": settings.snmp.targets,
        "clients": settings.clients.sources,
        "power": settings.power.has_sources,
    }
    return {name for name, there in sources.items() if not there}


def limit_seconds(settings: AgentSettings, every_seconds: float) -> float:
    """Return after how many seconds a round of a probe with this rhythm is given up."""
    every = max(every_seconds, settings.sample_seconds)
    return min(max(every, SHORTEST_LIMIT_SECONDS), LONGEST_LIMIT_SECONDS)
