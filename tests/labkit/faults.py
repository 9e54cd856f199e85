"""What may go wrong in a village, each a context: it is so within, and put right after, whatever happened within.

They may be nested. What ends a program (the agent, the router's, the server's) is here too where it comes back.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from labkit.delay import program as delay_program
from labkit.names import GROUND, PORTAL_PORT, ROUTER, SATELLITE
from labkit.serving import Mood, Portal, WebServer, serve
from labkit.waiting import wait_for
from rigs.processes import ServerProcess, find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labkit.lab import Lab
    from labkit.namespaces import Namespace

_TABLE = "100"


# ---------------------------------------------------------------- the backhaul


@contextmanager
def backhaul_cut(lab: Lab) -> Iterator[None]:
    """The satellite link is gone: nothing passes, nobody says so."""
    with _rules(lab.backhaul, "cut", "chain everything { type filter hook forward priority 0; drop; }"):
        yield


@contextmanager
def packets_lost(lab: Lab, percent: int) -> Iterator[None]:
    """Of the packets that come from the internet, so many in a hundred are lost, each by its own chance."""
    lose = f'iifname "sky" numgen random mod 100 < {percent} drop'
    with _rules(lab.backhaul, "loss", f"chain some {{ type filter hook forward priority 0; {lose}; }}"):
        yield


@contextmanager
def large_packets_lost(lab: Lab, largest_bytes: int = 500) -> Iterator[None]:
    """A tunnel on the way is narrower than it says: what is larger vanishes, and nobody says so."""
    lose = f"ip length > {largest_bytes} drop"
    with _rules(lab.backhaul, "narrow", f"chain large {{ type filter hook forward priority 0; {lose}; }}"):
        yield


@contextmanager
def rate_of(lab: Lab, bits_per_second: int) -> Iterator[None]:
    """The link carries no more than this each way, behind a queue of 150 ms as a modem has."""
    shape = ("root", "tbf", "rate", f"{bits_per_second}bit", "burst", "16kb", "latency", "150ms")
    tc = find_program("tc", "iproute2")
    with ExitStack() as stack:
        for interface in ("ground", "sky"):
            lab.backhaul.run(tc, "qdisc", "add", "dev", interface, *shape)
            stack.callback(lab.backhaul.run, tc, "qdisc", "del", "dev", interface, "root")
        yield


@contextmanager
def delay_of(lab: Lab, milliseconds: float) -> Iterator[ServerProcess]:
    """Each packet takes so long through the backhaul, each way; the rate is not touched. 300: a satellite."""
    relay = ServerProcess("delay", delay_program("far", f"{SATELLITE}/32", milliseconds), lab.folder / "delay.log")
    lab.backhaul.call(relay.start, lambda: "ready" in relay.log_tail(1))
    try:
        with ExitStack() as stack:
            lab.backhaul.ip("route", "add", "default", "dev", "far", "table", _TABLE)
            for interface in ("ground", "sky"):
                words = ("rule", "{}", "iif", interface, "lookup", _TABLE)
                lab.backhaul.ip(*(word.format("add") for word in words))
                stack.callback(lab.backhaul.ip, *(word.format("del") for word in words))
            yield relay
    finally:
        relay.stop()


@contextmanager
def captive_portal(lab: Lab) -> Iterator[None]:
    """The provider wants money: names resolve, each page is its own, encrypted pages are refused, all else is lost."""
    forward = (
        'udp dport 53 accept; udp sport 53 accept; iifname "ground" tcp dport 443 reject with tcp reset;'
        ' oifname "ground" tcp sport 443 reject; drop'
    )
    with ExitStack() as stack:
        serve(stack, lab.backhaul, lambda: WebServer(GROUND, PORTAL_PORT, Portal))
        stack.enter_context(
            _rules(
                lab.backhaul,
                "portal",
                "chain pages { type nat hook prerouting priority dstnat;"
                f' iifname "ground" tcp dport 80 dnat to {GROUND}:{PORTAL_PORT}; }}',
                f"chain rest {{ type filter hook forward priority 0; {forward}; }}",
            )
        )
        yield


# ---------------------------------------------------------------- the router


@contextmanager
def gateway_silent(lab: Lab) -> Iterator[None]:
    """The router hangs: its light is on, and it answers nothing, not even who has its address."""
    with ExitStack() as stack:
        stack.enter_context(
            _rules(
                lab.router_place,
                "hung",
                "chain own { type filter hook input priority 0; drop; }",
                "chain through { type filter hook forward priority 0; drop; }",
            )
        )
        lab.router_place.ip("link", "set", "lan", "arp", "off")
        stack.callback(lab.router_place.ip, "link", "set", "lan", "arp", "on")
        lab.site.ip("neighbour", "flush", "dev", "eth0")
        yield
    _router_is_back(lab)


@contextmanager
def gateway_off(lab: Lab) -> Iterator[None]:
    """The router has no power: the box's own link is down with it."""
    lab.router_place.ip("link", "set", "lan", "down")
    try:
        yield
    finally:
        lab.router_place.ip("link", "set", "lan", "up")
    _router_is_back(lab)


@contextmanager
def cable_out(lab: Lab) -> Iterator[None]:
    """The box's cable was pulled, and its address and route went with it."""
    lab.site.ip("link", "set", "eth0", "down")
    try:
        yield
    finally:
        lab.site.ip("link", "set", "eth0", "up")
        lab.site.ip("route", "replace", "default", "via", ROUTER)
    _router_is_back(lab)


def _router_is_back(lab: Lab) -> None:
    """Wait until the two have found each other again: a link takes a moment to be up."""
    wait_for(lambda: lab.ping(ROUTER), "the router does not answer")


@contextmanager
def names_dead(lab: Lab, mood: Mood = Mood.SILENT) -> Iterator[None]:
    """The router's name server is silent, or answers no question well."""
    lab.router.names.mood = mood
    try:
        yield
    finally:
        lab.router.names.mood = Mood.WELL


# ---------------------------------------------------------------- the server


@contextmanager
def server_down(lab: Lab) -> Iterator[None]:
    """Our server is down, broker and all; the internet is fine."""
    lab.server.stop_collector()
    lab.server.stop_broker()
    try:
        yield
    finally:
        lab.server.start_broker()
        lab.server.start_collector()


@contextmanager
def collector_down(lab: Lab) -> Iterator[None]:
    """The broker is there and takes everything; nobody reads it."""
    lab.server.stop_collector()
    try:
        yield
    finally:
        lab.server.start_collector()


@contextmanager
def _rules(place: Namespace, name: str, *chains: str) -> Iterator[None]:
    """Load a table of nftables, and delete it after."""
    nft = find_program("nft", "nftables")
    place.run(nft, "-f", "-", told="\n".join([f"table ip fault_{name} {{", *chains, "}\n"]))
    try:
        yield
    finally:
        place.run(nft, "delete", "table", "ip", f"fault_{name}")
