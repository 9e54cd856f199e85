"""What crosses the site's link besides the test, by the counters of the interface that faces it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from aldea.agents.gateway import default_route
from aldea.agents.probes.throughput.outcome import Direction
from aldea.model.counters import counter_delta

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.agents.device_settings import SnmpSettings
    from aldea.agents.probe import ProbeContext
    from aldea.agents.probes.snmp import SnmpProbe

_SNMP_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Passed:
    """The counters at a moment of this machine's stopwatch."""

    rx_bytes: int
    tx_bytes: int
    at_seconds: float

    def of(self, direction: Direction) -> int:
        """Return one direction's counter."""
        return self.rx_bytes if direction is Direction.DOWN else self.tx_bytes


def bits_per_second(before: Passed, now: Passed) -> float:
    """Return what passed between two looks, both directions."""
    count = counter_delta(before.rx_bytes, now.rx_bytes)[0] + counter_delta(before.tx_bytes, now.tx_bytes)[0]
    return 8 * count / max(now.at_seconds - before.at_seconds, 1e-3)


class Crossing:
    """Reads the WAN's counters: the router's by SNMP where a target's WAN interface is known, else this machine's own.

    This machine's own say something about others only when it is the router; `sees_all` tells.
    """

    def __init__(self, snmp: SnmpSettings, context: ProbeContext, *, sees_all: bool) -> None:
        targets = tuple(target for target in snmp.targets if target.has_wan) if snmp.enabled else ()
        self._router = _router(snmp, context) if targets else None
        self._root = context.root
        self._sees_all = sees_all

    async def look(self) -> Passed | None:
        """Return the counters of the whole site's link; None where this machine can't see them."""
        if self._router is None:
            return own_counters(self._root) if self._sees_all else None
        for reading in await self._router.measure():
            rx, tx = reading.fields.get("rx_bytes_total"), reading.fields.get("tx_bytes_total")
            if isinstance(rx, int) and isinstance(tx, int):
                return Passed(rx, tx, perf_counter())
        return None

    async def aclose(self) -> None:
        """Close what asks the router."""
        if self._router is not None:
            await self._router.aclose()


def _router(snmp: SnmpSettings, context: ProbeContext) -> SnmpProbe:
    from aldea.agents.probes.snmp import SnmpProbe  # noqa: PLC0415 - where there is a router to ask

    return SnmpProbe(snmp, context, _SNMP_SECONDS)


def own_counters(root: Path) -> Passed | None:
    """Return the counters of this machine's interface to the internet."""
    route = default_route(root)
    if route is None:
        return None
    folder = root / "sys/class/net" / route.interface / "statistics"
    try:
        rx, tx = (int((folder / name).read_text(encoding="ascii")) for name in ("rx_bytes", "tx_bytes"))
    except (OSError, ValueError):
        return None
    return Passed(rx, tx, perf_counter())
