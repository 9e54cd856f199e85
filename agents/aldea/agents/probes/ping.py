"""`ping`: whether the gateway is there, and the internet behind it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

from aldea.agents.echo import Echo, icmp_echo, may_send_icmp, tcp_echo
from aldea.agents.gateway import default_route
from aldea.model.failures import Failure
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import PingSettings

GATEWAY = "gateway"
ANCHOR = "anchor"


class PingProbe:
    """Asks the default gateway and the first anchor; the other anchors when that one is silent.

    So one anchor's own trouble never looks like the village's, at the price of one anchor. All that is
    asked is asked at the same time. The field `method` says how: `icmp`, or `tcp` where the system allows
    no ICMP; then a round is one connection, whatever the number of packets (a connection is four).
    """

    name = "ping"

    def __init__(self, settings: PingSettings, context: ProbeContext) -> None:
        self._settings = settings
        self._context = context

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for the gateway and one for each anchor that was asked."""
        gateway, anchors = await asyncio.gather(self._gateway(), self._anchors())
        return [*gateway, *anchors]

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _gateway(self) -> list[Reading]:
        if not self._settings.gateway:
            return []
        route = default_route(self._context.root)
        if route is None:
            return [_failed(GATEWAY, GATEWAY, Failure.NO_ROUTE)]
        if route.gateway is None:  # a point-to-point link has nobody to ask
            return [_failed(GATEWAY, GATEWAY, Failure.NOT_AVAILABLE)]
        return [await self._ask(route.gateway, GATEWAY, self._settings.gateway_packets)]

    async def _anchors(self) -> list[Reading]:
        anchors = self._settings.anchors
        at_once = len(anchors) if self._settings.every_anchor else 1
        readings = await self._ask_anchors(anchors[:at_once])
        if not any(reading.fields["received"] for reading in readings):
            readings += await self._ask_anchors(anchors[at_once:])
        return readings

    async def _ask_anchors(self, anchors: Sequence[str]) -> list[Reading]:
        packets = self._settings.packets
        return list(await asyncio.gather(*(self._ask(anchor, ANCHOR, packets) for anchor in anchors)))

    async def _ask(self, target: str, role: str, packets: int) -> Reading:
        address = await _address(target)
        if address is None:
            return _failed(target, role, Failure.DNS_FAILED)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        timeout, spacing = self._settings.timeout_seconds, self._settings.interval_seconds
        privileged = may_send_icmp(family)
        if privileged is None:
            echoes = [await tcp_echo(address, family, self._settings.tcp_port, timeout)]
            return _reading(target, role, "tcp", echoes)

        async def later(delay_seconds: float) -> Echo:
            await asyncio.sleep(delay_seconds)
            return await icmp_echo(address, family, timeout, privileged=privileged)

        echoes = await asyncio.gather(*(later(number * spacing) for number in range(packets)))
        return _reading(target, role, "icmp", echoes)


async def _address(target: str) -> str | None:
    """Return the address to ask: `target` itself, or what its name resolves to."""
    try:
        ipaddress.ip_address(target)
    except ValueError:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(target, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # UnicodeError: not even a name
            return None
        return str(found[0][4][0])
    return target


def _reading(target: str, role: str, method: str, echoes: Sequence[Echo]) -> Reading:
    times = [echo.rtt_seconds for echo in echoes if echo.rtt_seconds is not None]
    failures = [echo.failure for echo in echoes if echo.failure is not None]
    sent, received = len(times) + len(failures), len(times)
    return Reading(
        "ping",
        {
            "sent": sent,
            "received": received,
            "loss_ratio": round(1 - received / sent, 4) if sent else None,
            "rtt_min_seconds": _rounded(min(times)) if times else None,
            "rtt_avg_seconds": _rounded(sum(times) / received) if times else None,
            "rtt_max_seconds": _rounded(max(times)) if times else None,
            "method": method,
            "failure": None if times or not failures else _most_telling(failures).value,
        },
        _tags(target, role),
    )


def _most_telling(failures: Sequence[Failure]) -> Failure:
    """Return what somebody said about it, rather than that nobody said anything."""
    return next((failure for failure in failures if failure != Failure.NO_REPLY), Failure.NO_REPLY)


def _failed(target: str, role: str, failure: Failure) -> Reading:
    """Return a reading of a target that could not even be asked: nothing sent, so no loss either."""
    return Reading("ping", {"sent": 0, "received": 0, "failure": failure.value}, _tags(target, role))


def _tags(target: str, role: str) -> dict[str, str]:
    return {"target": target.partition("%")[0], "role": role}


def _rounded(seconds: float) -> float:
    return round(seconds, 5)
