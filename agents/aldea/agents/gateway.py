"""The default gateway, from the kernel's routing tables."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

_RTF_UP = 0x1
_RTF_GATEWAY = 0x2
_RTF_REJECT = 0x200


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """Where packets for the internet go. `gateway` is None on a point-to-point link (a modem)."""

    gateway: str | None
    interface: str
    metric: int


def default_route(root: Path = Path("/")) -> DefaultRoute | None:
    """Return the IPv4 default route of lowest metric, else the IPv6 one; None when there is none.

    A link-local IPv6 gateway carries its zone: `fe80::1%eth0`.
    """
    for routes in (_ipv4_routes(root), _ipv6_routes(root)):
        if routes:
            return min(routes, key=lambda route: route.metric)
    return None


def _ipv4_routes(root: Path) -> list[DefaultRoute]:
    """Read /proc/net/route: addresses are hexadecimal in the machine's byte order."""
    found = []
    for line in _lines(root / "proc/net/route")[1:]:
        interface, destination, gateway, flags, _, _, metric, mask, *_ = line.split()
        if int(destination, 16) or int(mask, 16) or not _is_usable(int(flags, 16)):
            continue
        address = None
        if int(flags, 16) & _RTF_GATEWAY:
            address = socket.inet_ntoa(struct.pack("=I", int(gateway, 16)))
        found.append(DefaultRoute(address, interface, int(metric)))
    return found


def _ipv6_routes(root: Path) -> list[DefaultRoute]:
    """Read /proc/net/ipv6_route: addresses are hexadecimal in network byte order."""
    found = []
    for line in _lines(root / "proc/net/ipv6_route"):
        destination, prefix, _, _, gateway, metric, _, _, flags, interface = line.split()
        is_default = int(destination, 16) == 0 and int(prefix, 16) == 0
        if not is_default or interface == "lo" or not _is_usable(int(flags, 16)):
            continue
        address = None
        if int(flags, 16) & _RTF_GATEWAY:
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(gateway))
            if address.startswith("fe80:"):
                address = f"{address}%{interface}"
        found.append(DefaultRoute(address, interface, int(metric, 16)))
    return found


def _is_usable(flags: int) -> bool:
    return bool(flags & _RTF_UP) and not flags & _RTF_REJECT


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
