"""What the kernel knows of a TCP connection: bytes and segments both ways, by Linux's TCP_INFO."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

# `struct tcp_info` of <linux/tcp.h> as far as it is used here; it only ever grew at its end (Linux 4.19 has all this).
_LAYOUT = struct.Struct("=20xII40xI20xI24xQQII8xI44xQQ")
_IPV4_HEADERS, _IPV6_HEADERS = 52, 72
_LARGEST_MSS = 9_000
_MOST_TIMES, _MOST_BEYOND = 3, 10
"""No more than three times what arrived, and ten segments: who sends single bytes fills no segment with them."""
_MAPPED = "::ffff:"


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """One connection so far. `acked_bytes`: of ours, arrived; `wire_bytes`: both ways, with IP and TCP headers.

    `unacked_segments`: of ours, under way.
    """

    rtt_seconds: float
    acked_bytes: int
    received_bytes: int
    sent_wire_bytes: int
    received_wire_bytes: int
    unacked_segments: int = 0

    @property
    def wire_bytes(self) -> int:
        """Both directions."""
        return self.sent_wire_bytes + self.received_wire_bytes


def tcp_info(connection: socket.socket, *, comes_full: bool) -> TcpInfo | None:
    """Return what the kernel counts; None when it does not (not TCP, closed, an old kernel).

    A segment's headers are taken as 52 bytes: 20 of IPv4 (40 of IPv6), 20 of TCP, 12 of time stamps, as
    Linux sends them. What came or went twice counts, for the provider counts it: what came twice is not in the
    bytes received, so where a large object `comes_full`, in full segments, they are counted if that is more (not on the
    loopback, whose segments vary), but for half of one: an answer's headers and its end do not fill theirs. A
    conversation in small ones would count several times what it has cost.
    """
    try:
        raw = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAYOUT.size)
        if len(raw) < _LAYOUT.size:
            return None
        mss, unacked, rtt, rcv_rtt, acked, received, segments_out, segments_in, data_in, sent, _again = _LAYOUT.unpack(
            raw
        )
        is_ipv6 = connection.family == socket.AF_INET6 and not connection.getpeername()[0].startswith(_MAPPED)
    except (OSError, AttributeError):
        return None
    headers = _IPV6_HEADERS if is_ipv6 else _IPV4_HEADERS
    in_full = data_in * mss - mss // 2 if comes_full and mss <= _LARGEST_MSS else 0
    in_full = min(in_full, _MOST_TIMES * received + _MOST_BEYOND * mss)
    return TcpInfo(
        rtt_seconds=max(rtt, rcv_rtt) / 1e6,
        acked_bytes=acked,
        received_bytes=received,
        sent_wire_bytes=sent + segments_out * headers,
        received_wire_bytes=max(received, in_full) + segments_in * headers,
        unacked_segments=unacked,
    )
