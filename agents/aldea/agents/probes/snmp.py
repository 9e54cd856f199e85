"""`snmp`: what the site's router knows of the village's traffic and its clients."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.model.counters import counter_delta
from aldea.model.failures import Failure, failure_of
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import SnmpSettings, SnmpTarget
    from aldea.agents.probes.snmp_client import SnmpClient
    from aldea.model.clock import Clock
    from aldea.model.sample import Value

log = logging.getLogger(__name__)

SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
IF_DESCR = "1.3.6.1.2.1.2.2.1.2"
IF_OPER_STATUS = "1.3.6.1.2.1.2.2.1.8"
IF_NAME = "1.3.6.1.2.1.31.1.1.1.1"
IF_HC_IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6"
IF_HC_OUT_OCTETS = "1.3.6.1.2.1.31.1.1.1.10"
_UP = 1
_MOST_INTERFACES = 1_000
_MOST_CLIENTS = 5_000


class SnmpProbe:
    """Asks each configured router. What a router does not have is `snmp_no_such_object`, the rest is kept.

    A wrong community is silence by the protocol's design, so it is `snmp_timeout`.
    """

    name = "snmp"

    def __init__(self, settings: SnmpSettings, context: ProbeContext) -> None:
        self._settings = settings
        self._context = context
        self._routers: list[_Router] | None = None

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for each router; nothing (and nothing is loaded) when none is configured."""
        if not self._settings.targets:
            return []
        if self._routers is None:
            self._routers = [self._router(target) for target in self._settings.targets]
        return await asyncio.gather(*(router.measure() for router in self._routers))

    async def aclose(self) -> None:
        """Close the sockets."""
        for router in self._routers or ():
            router.client.close()
        self._routers = None

    def _router(self, target: SnmpTarget) -> _Router:
        from aldea.agents.probes.snmp_client import SnmpClient  # noqa: PLC0415 - pysnmp: 6 MB, only where used

        client = SnmpClient(target, self._settings.timeout_seconds, self._settings.retries)
        return _Router(target, client, self._context.clock)


@dataclass(frozen=True, slots=True)
class _Counters:
    index: int
    rx: int
    tx: int
    mono_ms: int


class _Router:
    """One router: the index of its WAN interface and its counters of the round before."""

    def __init__(self, target: SnmpTarget, client: SnmpClient, clock: Clock) -> None:
        self.client = client
        self._target = target
        self._clock = clock
        self._index: int | None = None
        self._before: _Counters | None = None

    async def measure(self) -> Reading:
        """Ask once. A failure keeps what was got before it."""
        from aldea.agents.probes.snmp_client import SnmpError  # noqa: PLC0415 - as above

        fields: dict[str, Value] = {}
        failure: Failure | None = None
        for step in (self._system, self._wan, self._clients):
            try:
                fields |= await step()
            except SnmpError as error:
                log.info("router %s: %s", self._target.host, error)
                failure = failure or error.failure
                if error.failure != Failure.SNMP_NO_SUCH_OBJECT:
                    break  # it does not answer: asking on only takes time
            except OSError as error:
                failure = failure_of(error)
                break
        tags = {"target": self._target.name or self._target.host}
        if self._target.interface is not None:
            tags["interface"] = self._target.interface
        return Reading("snmp", {**fields, "failure": None if failure is None else failure.value}, tags)

    async def _system(self) -> dict[str, Value]:
        found = await self.client.get([SYS_UPTIME])
        return {"uptime_seconds": _whole(found.get(SYS_UPTIME), "sysUpTime") // 100}

    async def _wan(self) -> dict[str, Value]:
        if self._target.interface is None:
            return {}
        index = await self._interface_index(self._target.interface)
        wanted = {
            "rx": f"{IF_HC_IN_OCTETS}.{index}",
            "tx": f"{IF_HC_OUT_OCTETS}.{index}",
            "status": f"{IF_OPER_STATUS}.{index}",
        }
        found = await self.client.get(list(wanted.values()))
        counters = _Counters(
            index,
            _whole(found.get(wanted["rx"]), "ifHCInOctets"),
            _whole(found.get(wanted["tx"]), "ifHCOutOctets"),
            self._clock.mono_ms(),
        )
        before, self._before = self._before, counters
        status = found.get(wanted["status"])
        return {"up": None if status is None else status == _UP, **_passed(before, counters)}

    async def _interface_index(self, interface: str) -> int:
        """Return the interface's number, looked up anew when the number now carries another name."""
        if interface.isdigit():
            return int(interface)
        if self._index is not None:
            names = [f"{IF_NAME}.{self._index}", f"{IF_DESCR}.{self._index}"]
            if interface in (await self.client.get(names)).values():
                return self._index
        self._index = None
        for column in (IF_NAME, IF_DESCR):
            for oid, name in (await self.client.walk(column, _MOST_INTERFACES)).items():
                if name == interface:
                    self._index = int(oid.rpartition(".")[2])
                    return self._index
        raise self.client.missing(f"interface {interface}")

    async def _clients(self) -> dict[str, Value]:
        oid = self._target.clients_oid
        if oid is None:
            return {}
        if self._target.clients_from == "rows":
            return {"clients": len(await self.client.walk(oid, _MOST_CLIENTS))}
        return {"clients": _whole((await self.client.get([oid])).get(oid), oid)}


def _passed(before: _Counters | None, now: _Counters) -> dict[str, Value]:
    """Return the totals, and what passed since the round before that was answered."""
    fields: dict[str, Value] = {"rx_bytes_total": now.rx, "tx_bytes_total": now.tx}
    if before is None or before.index != now.index:
        return fields
    rx, rx_reset = counter_delta(before.rx, now.rx)
    tx, tx_reset = counter_delta(before.tx, now.tx)
    return {
        **fields,
        "rx_bytes": rx,
        "tx_bytes": tx,
        "interval_seconds": (now.mono_ms - before.mono_ms) / 1000,
        "counter_reset": rx_reset or tx_reset,
    }


def _whole(value: int | str | None, what: str) -> int:
    from aldea.agents.probes.snmp_client import SnmpError  # noqa: PLC0415 - as above

    if isinstance(value, int):
        return value
    kind = Failure.SNMP_NO_SUCH_OBJECT if value is None else Failure.SNMP_ERROR
    raise SnmpError(kind, f"{what} is {value!r}, expected a number")
