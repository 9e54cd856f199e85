"""Pings on loopback, and inside network namespaces of our own where there is no internet by construction."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from aldea.agents import echo
from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import PingSettings
from aldea.agents.probes import ping
from aldea.agents.probes.ping import PingProbe
from aldea.model.catalogue import CATALOGUE
from aldea.model.sample import Reading
from rigs.processes import LOOPBACK, free_port

icmp_allowed = pytest.mark.skipif(
    echo.may_send_icmp(socket.AF_INET) is None, reason="this user may not send ICMP (CAP_NET_RAW, ping_group_range)"
)


def _measure(settings: PingSettings, context: ProbeContext) -> list[Reading]:
    return list(asyncio.run(PingProbe(settings, context).measure()))


def _anchors(*anchors: str, port: int = 9, every: bool = False, timeout: float = 20) -> PingSettings:
    return PingSettings(
        gateway=False,
        anchors=anchors,
        every_anchor=every,
        interval_seconds=0.01,
        timeout_seconds=timeout,
        tcp_port=port,
    )


# A label of 64 characters cannot be a name, so nothing is asked of any server.
NO_NAME = f"{'x' * 64}.test"


@pytest.fixture
def only_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that lets this user send no ICMP; a test below has a real one."""
    monkeypatch.setattr(ping, "may_send_icmp", lambda family: None)


@icmp_allowed
def test_echoes_come_back_from_loopback(context: ProbeContext) -> None:
    (reading,) = _measure(_anchors(LOOPBACK), context)
    fields = reading.fields
    assert reading.tags == {"target": LOOPBACK, "role": "anchor"}
    assert (fields["sent"], fields["received"], fields["loss_ratio"]) == (3, 3, 0.0)
    assert (fields["method"], fields["failure"]) == ("icmp", None)
    shortest, mean, longest = (fields[f"rtt_{which}_seconds"] for which in ("min", "avg", "max"))
    assert isinstance(shortest, float)
    assert isinstance(mean, float)
    assert isinstance(longest, float)
    assert 0 < shortest <= mean <= longest < 20
    assert set(fields) == {item.name for item in CATALOGUE["ping"].fields}


@pytest.mark.usefixtures("only_tcp")
def test_without_icmp_a_connection_takes_its_place_and_says_so(context: ProbeContext) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        (reading,) = _measure(_anchors(LOOPBACK, port=listener.getsockname()[1]), context)
    assert (reading.fields["sent"], reading.fields["received"]) == (1, 1)
    assert (reading.fields["method"], reading.fields["failure"]) == ("tcp", None)
    assert reading.fields["rtt_avg_seconds"] is not None


@pytest.mark.usefixtures("only_tcp")
def test_a_refused_connection_proves_that_the_target_is_reachable(context: ProbeContext) -> None:
    (reading,) = _measure(_anchors(LOOPBACK, port=free_port()), context)
    assert (reading.fields["received"], reading.fields["loss_ratio"]) == (1, 0.0)
    assert reading.fields["failure"] is None
    assert reading.fields["rtt_min_seconds"] is not None


@pytest.mark.usefixtures("only_tcp")
def test_a_connection_nobody_answers_is_lost(context: ProbeContext) -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address):  # fills the queue: the kernel drops the next ones
            (reading,) = _measure(_anchors(LOOPBACK, port=address[1], timeout=0.3), context)
    assert (reading.fields["sent"], reading.fields["received"], reading.fields["loss_ratio"]) == (1, 0, 1.0)
    assert reading.fields["failure"] == "no_reply"
    assert reading.fields["rtt_avg_seconds"] is None


def test_a_name_that_does_not_resolve_is_a_failure_not_a_loss(context: ProbeContext) -> None:
    (reading,) = _measure(_anchors(NO_NAME), context)
    assert reading.fields == {"sent": 0, "received": 0, "failure": "dns_failed"}


def test_without_a_default_route_the_gateway_is_a_failure(machine: ProbeContext) -> None:
    (reading,) = _measure(PingSettings(anchors=()), machine)
    assert reading == Reading("ping", {"sent": 0, "received": 0, "failure": "no_route"}, reading.tags)
    assert reading.tags == {"target": "gateway", "role": "gateway"}


@icmp_allowed
def test_the_other_anchors_are_asked_only_when_the_first_is_silent(context: ProbeContext) -> None:
    def asked(settings: PingSettings) -> list[str]:
        return [reading.tags["target"] for reading in _measure(settings, context)]

    assert asked(_anchors("127.0.0.1", "127.0.0.2", "127.0.0.3")) == ["127.0.0.1"]
    assert asked(_anchors(NO_NAME, "127.0.0.2", "127.0.0.3")) == [NO_NAME, "127.0.0.2", "127.0.0.3"]
    assert asked(_anchors("127.0.0.1", "127.0.0.2", every=True)) == ["127.0.0.1", "127.0.0.2"]


@icmp_allowed
def test_a_wall_clock_set_forward_while_waiting_loses_no_packet(
    context: ProbeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import icmplib.sockets

    moments = iter(range(0, 10**12, 10**6))
    monkeypatch.setattr(icmplib.sockets, "time", lambda: float(next(moments)))
    (reading,) = _measure(_anchors(LOOPBACK), context)
    assert (reading.fields["sent"], reading.fields["loss_ratio"], reading.fields["failure"]) == (0, None, None)


# In a network of our own

_SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import PingSettings
from aldea.agents.probes.ping import PingProbe
from aldea.model.clock import SystemClock
settings = json.loads(sys.argv[1])
settings["anchors"] = tuple(settings["anchors"])
readings = asyncio.run(PingProbe(PingSettings(**settings), ProbeContext(SystemClock(), Path("."))).measure())
print(json.dumps([{**reading.tags, **reading.fields} for reading in readings]))
"""


def _may_make_networks() -> bool:
    tools = all(map(shutil.which, ("unshare", "nsenter", "ip", "setpriv")))
    return tools and subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0


own_network = pytest.mark.skipif(not _may_make_networks(), reason="needs root, unshare, ip and setpriv")
UNPRIVILEGED = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")


def _measure_in_own_network(
    setup: Sequence[str], settings: Mapping[str, object], prefix: Sequence[str] = ()
) -> list[dict[str, Any]]:
    defaults = {"gateway": False, "anchors": [LOOPBACK], "timeout_seconds": 20.0, "interval_seconds": 0.01}
    command = [*prefix, sys.executable, "-c", _SCRIPT, json.dumps({**defaults, **settings})]
    shell = "\n".join(["set -e", "ip link set lo up", *setup, '"$@"'])
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", shell, "sh", *command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    readings: list[dict[str, Any]] = json.loads(done.stdout)
    return readings


# A link to a box that takes every packet and answers none.
SWALLOWS_ALL = (
    "ip link add v0 type veth peer name v1",
    "ip address add 10.9.9.1/24 dev v0",
    "ip link set v0 up",
    "ip link set v1 up",
    "ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:02 dev v0",
    "ip route add default via 10.9.9.2",
)

# A router in a network of its own that is there, forwards, and has lost its own way out.
ROUTER_WITHOUT_UPLINK = (
    "unshare -n sleep 120 & router=$!",
    "trap 'kill $router' EXIT",
    "until [ $(readlink /proc/$router/ns/net) != $(readlink /proc/self/ns/net) ]; do sleep 0.01; done",
    "ip link add v0 type veth peer name v1 netns $router",
    "ip address add 10.9.9.1/24 dev v0",
    "ip link set v0 up",
    "nsenter -t $router -n ip link set lo up",
    "nsenter -t $router -n ip address add 10.9.9.2/24 dev v1",
    "nsenter -t $router -n ip link set v1 up",
    "nsenter -t $router -n sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'",
    "ip route add default via 10.9.9.2",
)


@own_network
def test_an_unprivileged_agent_sends_icmp_where_the_system_allows_it() -> None:
    allow = 'echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range'
    (reading,) = _measure_in_own_network([allow], {}, UNPRIVILEGED)
    assert (reading["method"], reading["sent"], reading["received"]) == ("icmp", 3, 3)


@own_network
def test_an_unprivileged_agent_uses_tcp_where_the_system_does_not() -> None:
    forbid = 'echo "1 0" > /proc/sys/net/ipv4/ping_group_range'
    (reading,) = _measure_in_own_network([forbid], {}, UNPRIVILEGED)
    assert (reading["method"], reading["sent"], reading["received"]) == ("tcp", 1, 1)


@own_network
def test_without_any_route_both_the_gateway_and_the_anchor_say_so() -> None:
    gateway, anchor = _measure_in_own_network([], {"gateway": True, "anchors": ["192.0.2.1"]})
    assert (gateway["role"], gateway["failure"]) == ("gateway", "no_route")
    assert (anchor["sent"], anchor["received"], anchor["failure"]) == (3, 0, "network_unreachable")


@own_network
@pytest.mark.parametrize("prefix", [(), UNPRIVILEGED])
def test_a_link_that_swallows_everything_is_loss(prefix: Sequence[str]) -> None:
    settings = {"gateway": True, "anchors": ["192.0.2.1"], "timeout_seconds": 0.3}
    gateway, anchor = _measure_in_own_network(SWALLOWS_ALL, settings, prefix)
    assert (gateway["target"], gateway["sent"], gateway["failure"]) == ("10.9.9.2", 1, "no_reply")
    assert (anchor["received"], anchor["loss_ratio"], anchor["failure"]) == (0, 1.0, "no_reply")


@own_network
def test_a_router_that_has_lost_its_way_out_answers_and_says_so() -> None:
    settings = {"gateway": True, "anchors": ["192.0.2.1"], "timeout_seconds": 3.0}
    gateway, anchor = _measure_in_own_network(ROUTER_WITHOUT_UPLINK, settings)
    assert (gateway["target"], gateway["received"], gateway["failure"]) == ("10.9.9.2", 1, None)
    assert (anchor["sent"], anchor["received"], anchor["failure"]) == (3, 0, "network_unreachable")


@own_network
def test_a_neighbour_that_is_switched_off_is_unreachable() -> None:
    setup = [line for line in SWALLOWS_ALL if not line.startswith("ip neigh")]
    setup += ["ip route add unreachable 192.0.2.0/24"]
    (reading,) = _measure_in_own_network(setup, {"anchors": ["192.0.2.1"]})
    assert (reading["received"], reading["failure"]) == (0, "host_unreachable")


@own_network
def test_ipv6_is_asked_as_well() -> None:
    (reading,) = _measure_in_own_network([], {"anchors": ["::1"]})
    assert (reading["method"], reading["received"], reading["target"]) == ("icmp", 3, "::1")
