"""Asks SNMP devices in a test: rounds of the probe, 10 seconds apart by the clock of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aldea.agents.device_settings import SnmpSettings, SnmpTarget
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.snmp import SnmpProbe
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading
from rigs.snmpd import Snmpd


def snmp_target(snmpd: Snmpd, **more: object) -> SnmpTarget:
    target = SnmpTarget(host=snmpd.host, port=snmpd.port, community=snmpd.community, name="router", interface="lo")
    return replace(target, **more)  # type: ignore[arg-type]  # the names are checked by `replace`


def snmp_rounds(
    context: ProbeContext, *targets: SnmpTarget, rounds: int = 1, timeout: float = 20.0
) -> list[Sequence[Reading]]:
    """Measure so often, 10 seconds apart by the clock of the test."""

    async def measured() -> list[Sequence[Reading]]:
        settings = SnmpSettings(targets=targets, timeout_seconds=timeout, retries=0)
        probe = SnmpProbe(settings, context, 100)
        readings = []
        for _ in range(rounds):
            readings.append(await probe.measure())
            assert isinstance(context.clock, ManualClock)
            context.clock.advance(10_000)
        await probe.aclose()
        return readings

    return asyncio.run(measured())


def snmp_round(context: ProbeContext, target: SnmpTarget, timeout: float = 20.0) -> Reading:
    ((reading,),) = snmp_rounds(context, target, timeout=timeout)
    return reading
