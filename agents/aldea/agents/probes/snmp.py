"""`snmp`: what the site's router knows of the village's traffic and its clients."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aldea.agents.probes.snmp_uptime import HOST_UPTIME, SYS_UPTIME, UptimeWatch
from aldea.agents.snmp_profiles import ClientCount, Profile, load_profile
from aldea.model.failures import Failure, failure_of
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aldea.agents.device_settings import SnmpSettings, SnmpTarget
    from aldea.agents.probe import ProbeContext
    from aldea.agents.probes.snmp_client import SnmpClient
    from aldea.agents.probes.snmp_interface import InterfaceReader
    from aldea.model.clock import Clock
    from aldea.model.sample import Value

log = logging.getLogger(__name__)

OTHERS = "snmp_interfaces"
"""The measurement of the interfaces beside the WAN's: they must not add up with it."""

_MOST_CLIENTS = 5_000
_MOST_BELIEVED = 100_000
"""Devices say "unknown" by -1 or by the largest number there is."""


class SnmpProbe:
    """Asks each configured router. What a router does not have is `snmp_no_such_object`, the rest is kept.

    A wrong community is silence by the protocol's design, so it is `snmp_timeout`. A router that has not said all
    after `round_seconds` is left with what it said until then.
    """

    name = "snmp"

    def __init__(self, settings: SnmpSettings, context: ProbeContext, round_seconds: float = 40.0) -> None:
        self._settings = settings
        self._context = context
        self._round_seconds = round_seconds
        self._routers: list[_Router] | None = None

    async def measure(self) -> Sequence[Reading]:
        """Return each router's readings; nothing (and nothing is loaded) when none is configured."""
        if not self._settings.targets:
            return []
        if self._routers is None:
            self._routers = [self._router(target) for target in self._settings.targets]
        rounds = await asyncio.gather(*(self._round(router) for router in self._routers))
        return [reading for readings in rounds for reading in readings]

    async def aclose(self) -> None:
        """Close the sockets."""
        for router in self._routers or ():
            router.client.close()
        self._routers = None

    async def _round(self, router: _Router) -> list[Reading]:
        """Ask one router. A fault in the probe costs no other router its readings."""
        try:
            return await router.measure(self._round_seconds)
        except Exception:
            log.exception("router %s: the probe crashed", router.name)
            return [Reading(self.name, {"failure": Failure.PROBE_CRASHED.value}, {"target": router.name})]

    def _router(self, target: SnmpTarget) -> _Router:
        from aldea.agents.probes.snmp_client import SnmpClient  # noqa: PLC0415 - pysnmp: 6 MB, only where used

        client = SnmpClient(target, self._settings.timeout_seconds, self._settings.retries)
        profile = Profile("") if target.profile is None else load_profile(target.profile)
        return _Router(target, profile, client, self._context.clock)


class _Router:
    """One router and what was known of it in the round before."""

    def __init__(self, target: SnmpTarget, profile: Profile, client: SnmpClient, clock: Clock) -> None:
        from aldea.agents.probes.snmp_interface import InterfaceReader  # noqa: PLC0415 - as above

        self.client = client
        self._host = target.host
        self.name = target.name or target.host
        self._clock = clock
        self._uptime = UptimeWatch()
        self._restarted: bool | None = None
        wan = profile.wan if target.interface is None else (target.interface,)
        self._wan = InterfaceReader(client, clock, wan) if wan else None
        self._others = [InterfaceReader(client, clock, (name,)) for name in target.interfaces]
        # Tools print objects with a dot before them; answers come without.
        oid = None if target.clients_oid is None else target.clients_oid.strip(".")
        own = None if oid is None else ClientCount(oid, target.clients_from)
        self._counted = own or profile.clients

    async def measure(self, within_seconds: float) -> list[Reading]:
        """Ask once. A failure keeps what was got before it; one router's silence costs no other's time."""
        fields: dict[str, Value] = {"failure": None}
        others: list[Reading] = []
        try:
            async with asyncio.timeout(within_seconds):
                answers = True
                for step in (self._system, self._interface, self._clients):
                    answers = answers and await self._try(step, fields)
                for reader in self._others:
                    answers = answers and await self._other(reader, others)
        except TimeoutError:
            log.info("router %s: has not said all within %g s", self._host, within_seconds)
            fields["failure"] = fields["failure"] or Failure.SNMP_TIMEOUT.value
        tags = {"target": self.name}
        if self._wan is not None:
            tags["interface"] = self._wan.name
        failure = fields.pop("failure")
        return [Reading("snmp", {**fields, "failure": failure}, tags), *others]

    async def _try(self, step: Callable[[], Awaitable[dict[str, Value]]], fields: dict[str, Value]) -> bool:
        """Take a step into `fields`, a first failure too. Return whether it is worth asking on."""
        from aldea.agents.probes.snmp_client import SnmpError  # noqa: PLC0415 - as above

        try:
            fields |= await step()
        except SnmpError as error:
            log.info("router %s: %s", self._host, error)
            fields["failure"] = fields["failure"] or error.failure.value
            return error.failure in {Failure.SNMP_NO_SUCH_OBJECT, Failure.SNMP_ERROR}
        except OSError as error:
            fields["failure"] = fields["failure"] or failure_of(error).value
            return False
        return True

    async def _system(self) -> dict[str, Value]:
        from aldea.agents.probes.snmp_client import whole  # noqa: PLC0415 - as above

        self._restarted = None
        found = await self.client.get([HOST_UPTIME, SYS_UPTIME])
        oid = HOST_UPTIME if isinstance(found.get(HOST_UPTIME), int) else SYS_UPTIME
        running = self._uptime.seen(oid, whole(found.get(oid), "sysUpTime"), self._clock.mono_ms())
        self._restarted = running.restarted
        told = {} if running.restarted is None else {"restarted": running.restarted}
        return {"uptime_seconds": running.uptime_seconds, **told}

    async def _interface(self) -> dict[str, Value]:
        return {} if self._wan is None else await self._wan.read(restarted=self._restarted)

    async def _other(self, reader: InterfaceReader, readings: list[Reading]) -> bool:
        fields: dict[str, Value] = {"failure": None}

        async def read() -> dict[str, Value]:
            return await reader.read(restarted=self._restarted)

        answers = await self._try(read, fields)
        failure = fields.pop("failure")
        tags = {"target": self.name, "interface": reader.name}
        readings.append(Reading(OTHERS, {**fields, "failure": failure}, tags))
        return answers

    async def _clients(self) -> dict[str, Value]:
        if self._counted is None:
            return {}
        clients = await self._count(self._counted)
        if not 0 <= clients <= _MOST_BELIEVED:
            from aldea.agents.probes.snmp_client import SnmpError  # noqa: PLC0415 - as above

            raise SnmpError(Failure.SNMP_ERROR, f"{self._counted.oid} is {clients}, which is no number of clients")
        return {"clients": clients}

    async def _count(self, count: ClientCount) -> int:
        from aldea.agents.probes.snmp_client import whole  # noqa: PLC0415 - as above

        if count.how == "value":
            return whole((await self.client.get([count.oid])).get(count.oid), count.oid)
        # The rows' own numbers may hold devices' addresses: they are counted here and go no further.
        rows = await self.client.walk(count.oid, _MOST_CLIENTS)
        if len(rows) >= _MOST_CLIENTS:
            from aldea.agents.probes.snmp_client import SnmpError  # noqa: PLC0415 - as above

            raise SnmpError(Failure.SNMP_ERROR, f"the table {count.oid} has no end")
        if count.how == "rows":
            return len(rows)
        return sum(whole(value, count.oid) for value in rows.values()) if rows else whole(None, count.oid)
