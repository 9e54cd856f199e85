"""Which addresses are of the site itself."""

from __future__ import annotations

import ipaddress
import socket

# What a site's own network uses. Not 100.64.0.0/10: behind that the provider has other villages.
_OWN_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8",
        "::1/128", "fe80::/10", "fc00::/7",
    )
)  # fmt: skip


def is_own_address(text: str) -> bool:
    """Say whether an address is of a private network, this machine's or this link's."""
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _OWN_NETWORKS)


def own_address_towards(peer: str) -> str | None:
    """Return this machine's address on the way to a neighbour, None where there is no way; nothing is sent."""
    bare = peer.removeprefix("::ffff:") if "." in peer else peer
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((bare, 9))
            return str(way.getsockname()[0])
    except OSError:
        return None
