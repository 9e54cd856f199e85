"""One question to an address and the time until its answer: an ICMP echo, or a TCP connection."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import struct
from dataclasses import dataclass
from time import perf_counter

import icmplib

from aldea.model.failures import Failure, failure_of

_PAYLOAD_BYTES = 16
_ABORT_ON_CLOSE = struct.pack("ii", 1, 0)  # a reset instead of a goodbye: three packets fewer


@dataclass(frozen=True, slots=True)
class Echo:
    """One attempt. Neither time nor failure: the attempt could not be judged, and does not count."""

    rtt_seconds: float | None
    failure: Failure | None


def may_send_icmp(family: socket.AddressFamily) -> bool | None:
    """Say how echoes may be sent: False by datagram sockets, True by raw ones, None not at all.

    Datagram sockets are allowed by net.ipv4.ping_group_range, raw ones by CAP_NET_RAW. Asked anew each
    time, for it costs two system calls and the answer can change.
    """
    for privileged in (False, True):
        try:
            _icmp_socket(family, privileged=privileged).close()
        except icmplib.ICMPSocketError:
            continue
        return privileged
    return None


def _icmp_socket(family: socket.AddressFamily, *, privileged: bool) -> icmplib.ICMPSocket:
    kind = icmplib.ICMPv6Socket if family == socket.AF_INET6 else icmplib.ICMPv4Socket
    return kind(privileged=privileged)


async def icmp_echo(address: str, family: socket.AddressFamily, timeout_seconds: float, *, privileged: bool) -> Echo:
    """Send one echo request to an address and wait for the reply. Raises nothing of the network's."""
    request = icmplib.ICMPRequest(address, secrets.randbelow(2**16), 0, payload_size=_PAYLOAD_BYTES)
    started = perf_counter()
    try:
        with icmplib.AsyncSocket(_icmp_socket(family, privileged=privileged)) as channel:
            started = perf_counter()
            channel.send(request)
            async with asyncio.timeout(timeout_seconds):
                reply = await channel.receive(request, timeout_seconds)
            rtt_seconds = perf_counter() - started
            reply.raise_for_status()
            return Echo(rtt_seconds, None)
    except (TimeoutError, icmplib.TimeoutExceeded):
        # icmplib waits by the wall clock: set forward meanwhile (first NTP answer), it gives up too early.
        waited_enough = perf_counter() - started >= timeout_seconds * 0.95
        return Echo(None, Failure.NO_REPLY if waited_enough else None)
    except icmplib.ICMPLibError as error:
        return Echo(None, _icmp_failure(error))


def _icmp_failure(error: icmplib.ICMPLibError) -> Failure:
    """Return the word for an error of the socket, or for what a router on the way answered."""
    if isinstance(error, icmplib.DestinationUnreachable):
        no_net = error.reply.code == 0
        return Failure.NETWORK_UNREACHABLE if no_net else Failure.HOST_UNREACHABLE
    if isinstance(error, icmplib.TimeExceeded):
        return Failure.HOST_UNREACHABLE
    cause = error.__context__  # icmplib keeps the text only; the number is in what it caught
    return failure_of(cause) if isinstance(cause, OSError) else Failure.UNKNOWN


async def tcp_echo(address: str, family: socket.AddressFamily, port: int, timeout_seconds: float) -> Echo:
    """Open a TCP connection and drop it. A refusal is an answer too: the address is reachable."""
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_STREAM) as channel:
        channel.settimeout(0)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
        started = perf_counter()
        try:
            async with asyncio.timeout(timeout_seconds):
                await loop.sock_connect(channel, (address, port))
        except TimeoutError:
            return Echo(None, Failure.NO_REPLY)
        except OSError as error:
            if error.errno not in {errno.ECONNREFUSED, errno.ECONNRESET}:
                return Echo(None, failure_of(error))
        return Echo(perf_counter() - started, None)
