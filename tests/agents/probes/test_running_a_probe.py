from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import fields, replace

import pytest

from aldea.agents.device_settings import SnmpTarget
from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probe_settings import ClientSource
from aldea.agents.probes import PROBES, scheduled_probes
from aldea.agents.settings import AgentSettings
from aldea.model.catalogue import CATALOGUE
from aldea.model.sample import Reading


class _Probe:
    name = "host"

    def __init__(self, seconds: float = 0.0, error: BaseException | None = None) -> None:
        self._seconds = seconds
        self._error = error

    async def measure(self) -> Sequence[Reading]:
        await asyncio.sleep(self._seconds)
        if self._error is not None:
            raise self._error
        return [Reading(self.name, {"load1": 1.0})]

    async def aclose(self) -> None:
        pass


def test_what_a_probe_measured_comes_back() -> None:
    assert asyncio.run(run_probe(_Probe(), 1.0)) == [Reading("host", {"load1": 1.0})]


def test_a_probe_that_takes_too_long_is_a_reading_that_says_so() -> None:
    assert asyncio.run(run_probe(_Probe(seconds=30), 0.05)) == [Reading("host", {"failure": "probe_timeout"})]


@pytest.mark.parametrize("error", [RuntimeError("a fault"), TimeoutError("of its own"), KeyError("x")])
def test_a_probe_that_crashes_is_a_reading_and_a_log_line(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        readings = asyncio.run(run_probe(_Probe(error=error), 1.0))
    assert readings == [Reading("host", {"failure": "probe_crashed"})]
    assert "probe host crashed" in caplog.text
    assert type(error).__name__ in caplog.text


def test_stopping_the_agent_stops_the_probe() -> None:
    async def stopped() -> None:
        task = asyncio.create_task(run_probe(_Probe(seconds=30), 60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())


def test_every_probe_has_its_settings_table_and_its_measurement(context: ProbeContext) -> None:
    settings = AgentSettings(site="a")
    tables = {item.name for item in fields(AgentSettings)}
    for name, make in PROBES.items():
        assert name in tables
        assert make(settings, context).name == name
        assert name in CATALOGUE


def test_a_probe_is_never_faster_than_the_sampling_cycle(context: ProbeContext) -> None:
    settings = AgentSettings(site="a", sample_seconds=300.0)
    rhythm = {item.probe.name: item.every_seconds for item in scheduled_probes(settings, context)}
    assert rhythm == {
        "ping": 300,
        "dns": 600,
        "http": 600,
        "interfaces": 300,
        "host": 300,
        "throughput": 300,
        "budget": 3600,
    }


def test_a_probe_that_has_nobody_to_ask_is_not_scheduled(context: ProbeContext) -> None:
    settings = AgentSettings(site="a")
    given = replace(
        settings,
        snmp=replace(settings.snmp, targets=(SnmpTarget(host="192.0.2.1"),)),
        clients=replace(settings.clients, sources=(ClientSource(kind="dnsmasq"),)),
        power=replace(settings.power, machine=True),
    )
    idle, busy = ({item.probe.name for item in scheduled_probes(one, context)} for one in (settings, given))
    assert busy - idle == {"snmp", "clients", "power"}


def test_a_round_is_given_up_when_the_next_is_due_but_not_before_ten_seconds(context: ProbeContext) -> None:
    settings = AgentSettings(site="a", sample_seconds=1.0)
    limits = {item.probe.name: item.timeout_seconds for item in scheduled_probes(settings, context)}
    assert limits["ping"] == 10
    assert limits["dns"] == 45
    assert limits["throughput"] > 2 * (settings.throughput.max_seconds + settings.throughput.connect_seconds), (
        "a test over a slow satellite ends by itself"
    )


def test_a_probe_that_is_switched_off_is_not_scheduled(context: ProbeContext) -> None:
    settings = AgentSettings(site="a")
    settings = replace(settings, dns=replace(settings.dns, enabled=False))
    assert "dns" not in {item.probe.name for item in scheduled_probes(settings, context)}
