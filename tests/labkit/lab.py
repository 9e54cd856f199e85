"""The village lab: box, router, backhaul and server, each a network namespace, with cables between them.

    site ----- router ----- backhaul ----- server
    box        NAT, DNS,    satellite      broker, collector, stores,
    (agent)    SNMP                        the internet's addresses

What may go wrong is in `labkit.faults`.
"""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import icmplib

from aldea.model.truth import SLOT_MS
from labkit.box import Box
from labkit.names import (
    ADDRESSES,
    ANCHORS,
    BOX,
    GROUND,
    NAME_SERVER,
    PAGE,
    ROUTER,
    ROUTER_NETWORK,
    ROUTER_WAN,
    SERVER,
    SKY,
)
from labkit.namespaces import Namespace, cable, sweep
from labkit.router import Router
from labkit.server import Server
from labkit.serving import NameServer, serve
from labkit.time_travel import LabClock
from rigs.processes import RigError, find_program

if TYPE_CHECKING:
    from aldea.model.truth import Interval


class Lab:
    """Built when made, taken down by `close` whatever failed. See `check_allowed`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = LabClock()
        self._stack = ExitStack()
        self._boxes: list[Box] = []
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise

    def _build(self) -> None:
        sweep()
        places = [self._stack.enter_context(Namespace(name)) for name in ("site", "router", "backhaul", "server")]
        self.site, self.router_place, self.backhaul, self.server_place = places
        for place in places:
            place.write("net/ipv4/conf/all/rp_filter", "0")
            place.write("net/ipv4/conf/default/rp_filter", "0")
        cable(self.site, "eth0", f"{BOX}/24", self.router_place, "lan", f"{ROUTER}/24", arp=True)
        cable(self.router_place, "wan", f"{ROUTER_WAN}/30", self.backhaul, "ground", f"{GROUND}/30")
        cable(self.backhaul, "sky", f"{SKY}/30", self.server_place, "eth0", f"{SERVER}/30")
        for address in (*ANCHORS, NAME_SERVER, PAGE):
            self.server_place.ip("address", "add", f"{address}/32", "dev", "lo")
        self.site.ip("route", "add", "default", "via", ROUTER)
        self.router_place.ip("route", "add", "default", "via", GROUND)
        self.backhaul.ip("route", "add", "default", "via", SERVER)
        self.server_place.ip("route", "add", ROUTER_NETWORK, "via", SKY)
        self.backhaul.write("net/ipv4/ip_forward", "1")
        self.backhaul.write("net/ipv4/conf/all/send_redirects", "0")
        serve(self._stack, self.server_place, partial(NameServer, NAME_SERVER, ADDRESSES))
        self.server = Server(self.server_place, self.folder / "server", self.clock, self._stack)
        self.router = Router(self.router_place, self.folder / "router", self.clock, self._stack)

    def box(self) -> Box:
        """Return a box of a site that is new, on the village's LAN, not started yet. One is to run at a time."""
        number = len(list(self.folder.glob("box-*"))) + 1
        found = Box(self.site, self.folder / f"box-{number}", self.server, self.clock)
        self._boxes.append(found)
        return found

    def clear(self) -> None:
        """Kill what runs of the boxes; what they have delivered stays."""
        while self._boxes:
            self._boxes.pop().close()

    def begin_a_slot(self) -> None:
        """Let time pass until a slot began half a minute ago: what happens within minutes is then judged together.

        At its very beginning a row whose time is a second off, as the server's time is on a busy machine, would be
        of the slot before.
        """
        self.pass_time((SLOT_MS - self.now_ms() % SLOT_MS) / 60_000 + 0.5)

    def now_ms(self) -> int:
        """The lab's time, milliseconds since 1970."""
        return self.clock.wall_ms()

    def settled(self, site: str, at_ms: int) -> Interval:
        """Let time pass until all is ripe to be judged, settle, and return what is settled of a moment."""
        self.pass_time(20)
        self.server.settle()
        return self.server.truth_at(site, at_ms)

    def pass_time(self, minutes: float) -> None:
        """Let time pass while no agent is running: for the server, the router, and boxes that start later."""
        assert not any(box.is_running for box in self._boxes), "an agent that runs would not see time pass"
        self.server.pass_time(minutes)
        self.router.in_the_lab_s_time()

    def ping(self, target: str, count: int = 1, interval_seconds: float = 0.02) -> list[float]:
        """Send echoes from the site, not waiting for one before the next; return the round trips, seconds."""
        return self.site.call(asyncio.run, _echoes(target, count, interval_seconds))

    def close(self) -> None:
        """Stop everything, last started first, and remove the namespaces."""
        self.clear()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _echoes(target: str, count: int, interval_seconds: float) -> list[float]:
    async def later(number: int) -> list[float]:
        await asyncio.sleep(number * interval_seconds)
        found = await icmplib.async_ping(target, count=1, timeout=2, privileged=True)
        return [milliseconds / 1000 for milliseconds in found.rtts]

    return [each for found in await asyncio.gather(*map(later, range(count))) for each in found]


def check_allowed() -> None:
    """Raise RigError where there is no right to what the lab is made of."""
    for program, package in (("nft", "nftables"), ("tc", "iproute2"), ("unshare", "util-linux")):
        find_program(program, package)
    command = ["unshare", "--mount", "--net", "--time", "--boottime", "1", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RigError(f"namespaces are not allowed here: {done.stderr.strip()} (they need root)")
    if not Path("/dev/net/tun").exists():
        raise RigError("there is no /dev/net/tun here")
