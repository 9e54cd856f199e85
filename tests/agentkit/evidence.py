"""Evidence of a site at which all is well, of a cut link, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.evidence import Box, BrokerAnswer, Enrolled, Evidence, Interface, Network
from aldea.agents.checkup.findings import Finding, State, first_wrong
from aldea.model.sample import Reading, Value

WHERE = "broker.example.org:8883"


def ping(role: str, *, answers: bool, loss: float = 0.0) -> Reading:
    """Return a reading of echoes to a target of this role."""
    fields: dict[str, Value] = {"received": int(answers), "loss_ratio": loss if answers else 1.0}
    return Reading(
        "ping", {**fields, "failure": None if answers else "no_reply"}, {"target": "192.0.2.1", "role": role}
    )


def failing(measurement: str, failure: str | None, **tags: str) -> Reading:
    """Return a reading that failed so, or went well."""
    return Reading(measurement, {"failure": failure}, tags)


def host(**fields: Value) -> Reading:
    """Return a reading of a box that is well, but for `fields`."""
    return Reading(
        "host", {"disk_free_bytes": 9_000_000_000, "disk_used_ratio": 0.4, "memory_used_ratio": 0.4, **fields}
    )


def box(**fields: Value) -> Box:
    """Return a box whose time is known, but for `fields`."""
    return Box(host(clock="ntp", **fields), None, undervoltage=False, knows_time=True)


WELL = Evidence(
    power=[Reading("power", {"on_battery": False, "failure": None}, {"source": "ups"})],
    box=box(),
    network=Network((Interface("eth0", True, False),), "eth0", "192.168.1.1"),
    ping=[ping("gateway", answers=True), ping("anchor", answers=True)],
    devices=[failing("snmp", None, target="antenna")],
    dns=[failing("dns", None, server="192.168.1.1")],
    http=[failing("http", None, target="http://example.org/")],
    broker=BrokerAnswer(WHERE, None, accepted=True),
    enrolled=Enrolled("yaxcaba/agent"),
)
CUT: Mapping[str, Any] = {
    "ping": [ping("gateway", answers=True), ping("anchor", answers=False)],
    "dns": [failing("dns", "dns_timeout")],
    "http": [failing("http", "connect_timeout")],
    "broker": BrokerAnswer(WHERE, "connect_timeout"),
}


def states(found: Evidence) -> dict[str, State]:
    """Return what is said of each check."""
    return {item.key: item.state for item in judge(found)}


def named(found: Evidence, key: str) -> Finding:
    """Return what is said of one check."""
    return next(item for item in judge(found) if item.key == key)


def first(found: Evidence) -> str | None:
    """Return the check that is to be looked at first, if any."""
    wrong = first_wrong(judge(found))
    return None if wrong is None else wrong.key
