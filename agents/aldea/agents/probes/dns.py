"""`dns`: whether names resolve. Asks the servers themselves: no cache of this machine answers."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING

from aldea.agents.probe_settings import server_address
from aldea.agents.probes.dns_message import NOERROR, NXDOMAIN, REFUSED, SERVFAIL, Answer, question, read_answer
from aldea.model.failures import Failure, failure_of
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import DnsSettings

log = logging.getLogger(__name__)

_SYSTEM_SERVERS = 3  # as many as the C library uses of /etc/resolv.conf
_MOST_BYTES = 65_535
_WORDS = {NXDOMAIN: Failure.DNS_NXDOMAIN, SERVFAIL: Failure.DNS_SERVFAIL, REFUSED: Failure.DNS_REFUSED}


class DnsProbe:
    """Asks each server for the IPv4 addresses of each name, all at the same time."""

    name = "dns"

    def __init__(self, settings: DnsSettings, context: ProbeContext) -> None:
        self._settings = settings
        self._context = context

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for each name and server; without any server, `not_available` for each name."""
        servers = self._settings.servers or _system_servers(self._context.root)
        names = self._settings.names
        if not servers:
            failed = {"failure": Failure.NOT_AVAILABLE.value}
            return [Reading(self.name, failed, {"target": name, "server": "none"}) for name in names]
        return await asyncio.gather(*(self._ask(name, server) for name in names for server in servers))

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _ask(self, name: str, server: str) -> Reading:
        tags = {"target": name, "server": server}
        started = perf_counter()
        try:
            answers, failure = await _addresses(name, server, self._settings.timeout_seconds)
        except OSError as error:
            return Reading(self.name, {"failure": failure_of(error).value}, tags)
        fields = {
            # The time until an answer, good or bad: a wait that ended without one is no such time.
            "duration_seconds": None if answers is None else round(perf_counter() - started, 5),
            "answers": answers,
            "failure": None if failure is None else failure.value,
        }
        return Reading(self.name, fields, tags)


async def _addresses(name: str, server: str, timeout_seconds: float) -> tuple[int | None, Failure | None]:
    """Ask `server` for the IPv4 addresses of `name`: how many, and what was wrong. Raises OSError."""
    try:
        asked = question(name, secrets.randbelow(2**16))
        async with asyncio.timeout(timeout_seconds):
            answer = await _by_udp(asked, *server_address(server))
            if answer.truncated:
                answer = await _by_tcp(asked, *server_address(server))
    except TimeoutError:
        return None, Failure.DNS_TIMEOUT
    except (ValueError, EOFError) as error:
        log.info("%s from %s: %s", name, server, error)
        return None, Failure.DNS_FAILED
    if answer.outcome != NOERROR:
        return answer.addresses, _WORDS.get(answer.outcome, Failure.DNS_FAILED)
    return answer.addresses, None if answer.addresses else Failure.DNS_NO_ANSWER


async def _by_udp(asked: bytes, host: str, port: int) -> Answer:
    """Ask in one packet, and wait for the answer to it; whatever else comes is passed over."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        channel.settimeout(0)
        channel.connect((host, port))  # sends nothing, and lets nobody else answer
        await loop.sock_sendall(channel, asked)
        while True:
            answer = None
            with suppress(OSError):  # a router's word, which anybody could say: the answer may come all the same
                answer = read_answer(await loop.sock_recv(channel, _MOST_BYTES), asked)
            if answer is not None:
                return answer


async def _by_tcp(asked: bytes, host: str, port: int) -> Answer:
    """Ask over a connection, where an answer may be of any length. Raises ValueError for one that can't be read."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(len(asked).to_bytes(2, "big") + asked)
        size = int.from_bytes(await reader.readexactly(2), "big")
        answer = read_answer(await reader.readexactly(size), asked)
    finally:
        writer.transport.abort()
    if answer is None:
        raise ValueError("the answer cannot be read")
    return answer


def _system_servers(root: Path) -> tuple[str, ...]:
    """Return the name servers in /etc/resolv.conf, read anew each round: a new link brings new ones."""
    try:
        lines = (root / "etc/resolv.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(word[1] for word in words if word[:1] == ["nameserver"] and word[1:])[:_SYSTEM_SERVERS]
