"""`dns`: whether names resolve. Asks the servers themselves: no cache of this machine answers."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING

from aldea.agents.probe_settings import server_address
from aldea.model.failures import Failure, failure_of
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import dns.message

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import DnsSettings

log = logging.getLogger(__name__)

_SYSTEM_SERVERS = 3  # as many as the C library uses of /etc/resolv.conf
_UDP_PAYLOAD_BYTES = 1232


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
    import dns.asyncquery  # noqa: PLC0415 - 6 MB that only this probe needs
    import dns.exception  # noqa: PLC0415 - as above
    import dns.message  # noqa: PLC0415 - as above

    host, port = server_address(server)
    try:
        query = dns.message.make_query(name, "A", use_edns=0, payload=_UDP_PAYLOAD_BYTES)
        async with asyncio.timeout(timeout_seconds):  # over UDP, and TCP for an answer that did not fit
            answer, _ = await dns.asyncquery.udp_with_fallback(
                query, host, timeout_seconds, port, ignore_unexpected=True, ignore_errors=True
            )
    except (dns.exception.Timeout, TimeoutError):
        return None, Failure.DNS_TIMEOUT
    except (dns.exception.DNSException, ValueError, EOFError) as error:
        log.info("%s from %s: %s", name, server, error)
        return None, Failure.DNS_FAILED
    return _judged(answer)


def _judged(answer: dns.message.Message) -> tuple[int, Failure | None]:
    """Return the number of addresses in an answer, and its failure word."""
    import dns.rcode  # noqa: PLC0415 - as above
    import dns.rdatatype  # noqa: PLC0415 - as above

    words = {
        dns.rcode.NXDOMAIN: Failure.DNS_NXDOMAIN,
        dns.rcode.SERVFAIL: Failure.DNS_SERVFAIL,
        dns.rcode.REFUSED: Failure.DNS_REFUSED,
    }
    answers = sum(len(part) for part in answer.answer if part.rdtype == dns.rdatatype.A)
    if answer.rcode() != dns.rcode.NOERROR:
        return answers, words.get(answer.rcode(), Failure.DNS_FAILED)
    return answers, None if answers else Failure.DNS_NO_ANSWER


def _system_servers(root: Path) -> tuple[str, ...]:
    """Return the name servers in /etc/resolv.conf, read anew each round: a new link brings new ones."""
    try:
        lines = (root / "etc/resolv.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(word[1] for word in words if word[:1] == ["nameserver"] and word[1:])[:_SYSTEM_SERVERS]
