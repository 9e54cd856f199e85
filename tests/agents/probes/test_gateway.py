from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aldea.agents.gateway import DefaultRoute, default_route

HEADER = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
pytestmark = pytest.mark.skipif(sys.byteorder == "big", reason="the examples are of a little-endian machine")


def _route(interface: str, destination: str, gateway: str, flags: str, metric: int, mask: str) -> str:
    return f"{interface}\t{destination}\t{gateway}\t{flags}\t0\t0\t{metric}\t{mask}\t0\t0\t0\n"


def _write(root: Path, ipv4: str = "", ipv6: str = "") -> Path:
    (root / "proc/net").mkdir(parents=True, exist_ok=True)
    (root / "proc/net/route").write_text(HEADER + ipv4)
    (root / "proc/net/ipv6_route").write_text(ipv6)
    return root


LAN = _route("eth0", "0001A8C0", "00000000", "0001", 0, "00FFFFFF")
ETHERNET = _route("eth0", "00000000", "0101A8C0", "0003", 100, "00000000")
WIFI = _route("wlan0", "00000000", "FE02A8C0", "0003", 600, "00000000")
MODEM = _route("ppp0", "00000000", "00000000", "0001", 50, "00000000")
REJECTED = _route("*", "00000000", "00000000", "0200", 1, "00000000")
IPV6 = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 24}0001 00000400 00000001 00000000 00000003     eth0\n"
IPV6_REJECT = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"


def test_the_route_of_lowest_metric_is_the_one(tmp_path: Path) -> None:
    assert default_route(_write(tmp_path, LAN + WIFI + ETHERNET)) == DefaultRoute("192.168.1.1", "eth0", 100)


def test_a_point_to_point_link_has_a_route_and_no_gateway(tmp_path: Path) -> None:
    assert default_route(_write(tmp_path, ETHERNET + MODEM)) == DefaultRoute(None, "ppp0", 50)


def test_ipv6_counts_where_there_is_no_ipv4_and_a_link_local_gateway_has_its_zone(tmp_path: Path) -> None:
    assert default_route(_write(tmp_path, LAN, IPV6_REJECT + IPV6)) == DefaultRoute("fe80::1%eth0", "eth0", 1024)


@pytest.mark.parametrize("ipv4", [LAN, LAN + REJECTED, ""])
def test_without_a_default_route_there_is_none(tmp_path: Path, ipv4: str) -> None:
    assert default_route(_write(tmp_path, ipv4, IPV6_REJECT)) is None


def test_a_machine_without_these_tables_has_no_route(tmp_path: Path) -> None:
    assert default_route(tmp_path) is None
