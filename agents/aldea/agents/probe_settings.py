"""The probes' settings: the tables `[agent.ping]`, `[agent.dns]` and so on of `aldea.toml`.

What the default probes put on the network in a month of 30 days (43,200 minutes), IP headers included:

    gateway, 1 echo a minute      43,200 x 2 x 44 B (20 IP + 8 ICMP + 16 payload)     3.8 MB
    one anchor, 3 a minute       129,600 x 2 x 44 B                                  11.4 MB
    DNS, each 10 minutes           4,320 x about 180 B (query 60, answer 120)          0.8 MB
    HTTP, each 10 minutes          4,320 x about 1,000 B (10 packets, 204, no body)     4.3 MB
                                                                             together 20.3 MB

Where echoes are not allowed, a TCP connection takes their place: about 220 B (SYN, SYN-ACK, ACK, RST),
one for each target and round, 43,200 x 2 x 220 B = 19.0 MB, together 24.1 MB. SNMP stays inside the site.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from aldea.model.checks import a_url, a_zone
from aldea.model.said import Said
from aldea.model.settings import about


def server_address(text: str) -> tuple[str, int]:
    """Split `192.0.2.1:53`, `[2001:db8::1]:53`, or either without its port.

    Raises ValueError when it is not an address.
    """
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    ipaddress.ip_address(host)
    return host, int(port or 53)


def _servers(items: tuple[str, ...]) -> str | None:
    try:
        for item in items:
            server_address(item)
    except (ValueError, TypeError):
        return Said(
            "addresses such as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53",
            "direcciones como 192.0.2.1, 192.0.2.1:53 o [2001:db8::1]:53",
        )
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSettings:
    """`[agent.ping]`: whether the gateway is there, and the internet behind it."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=0.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    gateway: bool = field(default=True, metadata=about("ask the default gateway, found anew each round"))
    gateway_packets: int = field(default=1, metadata=about("echoes to the gateway each round", minimum=1, maximum=20))
    anchors: tuple[str, ...] = field(
        default=("1.1.1.1", "8.8.8.8", "9.9.9.9"), metadata=about("well-known addresses beyond the provider")
    )
    every_anchor: bool = field(
        default=False, metadata=about("ask all anchors each round; false: the others only when the first is silent")
    )
    packets: int = field(default=3, metadata=about("echoes to an anchor each round", minimum=1, maximum=100))
    interval_seconds: float = field(default=0.2, metadata=about("time between two echoes", minimum=0.01, maximum=5))
    timeout_seconds: float = field(
        default=3.0, metadata=about("a reply later than this is lost", minimum=0.05, maximum=20)
    )
    tcp_port: int = field(
        default=53, metadata=about("port of the fallback where ICMP is not allowed", minimum=1, maximum=65535)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """`[agent.dns]`: whether names resolve."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=600.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    names: tuple[str, ...] = field(default=("example.com",), metadata=about("names whose IPv4 address is asked"))
    servers: tuple[str, ...] = field(
        default=(), metadata=about("address or address:port; none: those of /etc/resolv.conf", check=_servers)
    )
    timeout_seconds: float = field(
        default=5.0, metadata=about("an answer later than this is none", minimum=0.05, maximum=20)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """`[[agent.http.targets]]`: one page, and what it must answer."""

    url: str = field(metadata=about("http:// or https://", check=a_url))
    expect_status: int | None = field(
        default=None, metadata=about("another answer is a portal's", minimum=100, maximum=599)
    )
    expect_text: str | None = field(default=None, metadata=about("a body without this text is a portal's"))


def _default_pages() -> tuple[HttpTarget, ...]:
    # Plain HTTP on purpose: only that can be intercepted by a captive portal, and it costs a fifth of TLS.
    return (HttpTarget(url="http://connectivitycheck.gstatic.com/generate_204", expect_status=204),)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """`[agent.http]`: whether the web answers, and whether it is the web or a captive portal."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=600.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    targets: tuple[HttpTarget, ...] = field(default_factory=_default_pages, metadata=about("the pages"))
    timeout_seconds: float = field(
        default=10.0, metadata=about("for connecting, and between bytes", minimum=0.05, maximum=40)
    )
    max_body_bytes: int = field(default=65_536, metadata=about("read no more than this", minimum=0, maximum=10_000_000))
    ca_file: Path | None = field(default=None, metadata=about("trust this authority instead of the system's"))


# Loopback, containers, virtual machines, and the kernel's idle tunnel ends. Bridges of a router stay in.
_NOT_A_LINK = (
    "lo",
    "veth*",
    "docker*",
    "br-????????????",
    "virbr*",
    "vnet*",
    "cni*",
    "flannel*",
    "cali*",
    "ifb*",
    "dummy*",
    "sit*",
    "ip6tnl*",
    "tunl*",
    "gre*",
    "erspan*",
    "ip_vti*",
    "ip6_vti*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfacesSettings:
    """`[agent.interfaces]`: byte counters of this machine's network interfaces."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=0.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    include: tuple[str, ...] = field(default=("*",), metadata=about("names to measure, with * and ?"))
    exclude: tuple[str, ...] = field(default=_NOT_A_LINK, metadata=about("names to leave out"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """`[agent.host]`: the machine the agent runs on. Each 5 minutes, to stay inside the wire budget."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=300.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSource:
    """`[[agent.clients.sources]]`: one place where connected devices can be counted."""

    kind: str = field(
        metadata=about("who knows the devices", choices=("hostapd", "iw", "dnsmasq", "odhcpd")),
    )
    interface: str | None = field(default=None, metadata=about("hostapd and iw: the wireless interface"))
    file: Path | None = field(default=None, metadata=about("dnsmasq and odhcpd: the leases; unset: the usual place"))

    def __post_init__(self) -> None:
        if self.kind in {"hostapd", "iw"} and not self.interface:
            raise ValueError(
                Said(
                    f"of kind {self.kind} needs the interface, such as wlan0",
                    f"de tipo {self.kind} necesita la interface, como wlan0",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientsSettings:
    """`[agent.clients]`: how many devices are connected, never which."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=300.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    timezone: str | None = field(
        default=None, metadata=about("where days are cut (IANA); unset: the machine's own zone", check=a_zone)
    )
    sources: tuple[ClientSource, ...] = field(default=(), metadata=about("where to look; none: nothing is counted"))
