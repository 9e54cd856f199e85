"""Looks at everything now: all at the same time, each thing bounded, with the probes that measure anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aldea.agents.budget.meter import wan_bytes_of
from aldea.agents.checkup.broker import ask_broker, look_at_enrolment
from aldea.agents.checkup.evidence import Box, BrokerAnswer, Delivering, Enrolled, Evidence, Interface, Network, is_near
from aldea.agents.checkup.folder import folder_error
from aldea.agents.gateway import default_route
from aldea.agents.machine import hardware_id
from aldea.agents.probe import Probe, ProbeContext, run_probe
from aldea.agents.probe_settings import InterfacesSettings
from aldea.agents.probes.dns import DnsProbe
from aldea.agents.probes.host import HostProbe
from aldea.agents.probes.http import HttpProbe
from aldea.agents.probes.interfaces import is_wanted
from aldea.agents.probes.ping import PingProbe
from aldea.agents.probes.power import PowerProbe
from aldea.agents.probes.snmp import SnmpProbe
from aldea.agents.settings import AgentSettings
from aldea.model.sample import Reading

PROBE_SECONDS = 15.0
BROKER_SECONDS = 12.0
BROKER_BYTES, BROKER_TLS_BYTES = 1_000, 5_000
"""About what it costs to ask the server's broker, on the site's link; a page costs as much."""

Told = Callable[[Evidence], None]
"""Told what is known so far, whenever there is more."""


@dataclass(slots=True)
class Checkup:
    """One look at everything.

    `delivering`: what the running agent hears; `anchor_silent_ms`: for how long the anchors have been silent by its
    records; `router_is_mute`: whether the router never answers, by the same; `trouble`: why it cannot record.
    None where no agent runs in this process. `is_enrolled` False: no site and no server are set yet.
    """

    settings: AgentSettings
    context: ProbeContext
    delivering: Callable[[], Delivering] | None = None
    anchor_silent_ms: Callable[[], int | None] | None = None
    router_is_mute: Callable[[], bool] | None = None
    trouble: Callable[[], str | None] | None = None
    is_enrolled: bool = True

    async def run(self, told: Told | None = None) -> Evidence:
        """Look, and return what was found. Never raises for what is wrong; ends within half a minute."""
        found = Evidence(
            delivering=None if self.delivering is None else self.delivering(),
            anchor_silent_ms=None if self.anchor_silent_ms is None else self.anchor_silent_ms(),
            router_is_mute=self.router_is_mute is not None and self.router_is_mute(),
        )

        async def look(name: str, how: Any) -> None:
            nonlocal found
            value = await how  # first: the others go on meanwhile, and what they found is kept
            found = replace(found, **{name: value})
            if told is not None:
                told(found)

        settings, context = self.settings, self.context
        await asyncio.gather(
            look("power", self._ask_if(settings.power.enabled, PowerProbe(settings.power, context, PROBE_SECONDS - 2))),
            look("box", self._box()),
            look("network", asyncio.to_thread(network, context.root, settings.interfaces)),
            look("ping", self._ask_if(settings.ping.enabled, PingProbe(settings.ping, context))),
            look("devices", self._devices()),
            look("dns", self._ask_if(settings.dns.enabled, DnsProbe(settings.dns, context))),
            look("http", self._ask_if(settings.http.enabled, HttpProbe(settings.http, context))),
            look("broker", self._broker()),
            look("enrolled", self._enrolled()),
        )
        return found

    async def _ask(self, probe: Probe) -> Sequence[Reading]:
        try:
            readings = await run_probe(probe, PROBE_SECONDS)
        finally:
            await probe.aclose()
        self.context.meter.add(sum(wan_bytes_of(reading) for reading in readings))
        return readings

    async def _ask_if(self, enabled: bool, probe: Probe) -> Sequence[Reading]:  # noqa: FBT001 - reads well where it is
        """Ask, unless the settings say that this is not to be measured: then its silence would say nothing."""
        return await self._ask(probe) if enabled else ()

    async def _devices(self) -> Sequence[Reading]:
        if not (self.settings.snmp.enabled and self.settings.snmp.targets):
            return ()
        return await self._ask(SnmpProbe(self.settings.snmp, self.context, PROBE_SECONDS - 2))

    async def _box(self) -> Box:
        host = (await self._ask(HostProbe(self.settings.host, self.context)))[0]
        error = await asyncio.to_thread(folder_error, self.settings.data)
        root = self.context.root
        identity = await asyncio.to_thread(hardware_id, root)
        knows_time = self.context.time_ms() is not None
        trouble = None if self.trouble is None else self.trouble()
        return Box(host, error, _undervoltage(root), knows_time, can_be_copied=identity is None, trouble=trouble)

    async def _enrolled(self) -> Enrolled:
        if not self.is_enrolled:
            return Enrolled("", missing=True)
        return await asyncio.to_thread(look_at_enrolment, self.settings)

    async def _broker(self) -> BrokerAnswer:
        if not self.is_enrolled:
            return BrokerAnswer("", asked=False)
        clock_is_right = self.context.time_ms() is not None
        try:
            async with asyncio.timeout(BROKER_SECONDS + 8):
                found = await asyncio.to_thread(
                    ask_broker, self.settings, BROKER_SECONDS, clock_is_right=clock_is_right
                )
        except TimeoutError:
            broker = self.settings.broker
            return BrokerAnswer(f"{broker.host}:{broker.port}", "connect_timeout")
        if found.asked and not is_near(found.where):
            self.context.meter.add(BROKER_TLS_BYTES if self.settings.broker.tls else BROKER_BYTES)
        return found


def network(root: Path, wanted: InterfacesSettings) -> Network:
    """Return the box's interfaces that lead somewhere, as the settings name them, and its way out."""
    route = default_route(root)
    cards = []
    for folder in sorted((root / "sys/class/net").glob("*")):
        is_used = route is not None and folder.name == route.interface
        if is_used or (folder.is_dir() and is_wanted(folder.name, wanted)):
            is_wifi = (folder / "wireless").exists() or (folder / "phy80211").exists()
            cards.append(Interface(folder.name, _has_signal(folder), is_wifi))
    if route is None:
        return Network(tuple(cards), None, None)
    return Network(tuple(cards), route.interface, route.gateway)


def _has_signal(folder: Path) -> bool:
    try:
        # A read fails while the interface is switched off.
        return (folder / "carrier").read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


def _undervoltage(root: Path) -> bool:
    """Say whether the firmware of a Raspberry Pi complains of its supply."""
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        try:
            if (folder / "name").read_text(encoding="ascii").strip() == "rpi_volt":
                return (folder / "in0_lcrit_alarm").read_text(encoding="ascii").strip() == "1"
        except OSError:
            continue
    return False
