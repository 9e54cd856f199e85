"""`http`: whether the web answers, and whether it is the web or a captive portal."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, urlsplit

from aldea.agents.budget.meter import wan_bytes_of
from aldea.agents.probes.bounded import Bounded
from aldea.agents.probes.packed import unpacked
from aldea.agents.probes.redirects import leads_to_own_https
from aldea.agents.tcp_info import tcp_info
from aldea.model.failures import Failure, failure_of
from aldea.model.sample import Reading

if TYPE_CHECKING:
    import http.client
    import ssl
    from collections.abc import Sequence

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import HttpSettings, HttpTarget
    from aldea.model.sample import Value

log = logging.getLogger(__name__)

_HEADERS = {"User-Agent": "Aldea-agent", "Accept": "*/*", "Connection": "close", "Cache-Control": "no-cache"}
_MOST_BESIDE_BYTES = 65_536
"""Headers, and whatever else a server says besides the page."""


class HttpProbe:
    """Gets each page once: no redirect followed, no cookie kept, nothing cached, certificates verified.

    `connect_seconds` is the TCP handshake alone, `first_byte_seconds` counts from the request sent,
    `duration_seconds` is everything, name resolution included.
    """

    name = "http"

    def __init__(self, settings: HttpSettings, context: ProbeContext) -> None:
        self._settings = settings
        self._meter = context.meter

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for each page."""
        return await asyncio.gather(*(self._get(target) for target in self._settings.targets))

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _get(self, target: HttpTarget) -> Reading:
        visit = _Visit(target, self._settings, self._tls if target.url.startswith("https:") else None)
        try:
            return await asyncio.to_thread(self._visited, visit)
        finally:
            visit.abandon()  # given up: the thread must not go on reading what nobody waits for

    def _visited(self, visit: _Visit) -> Reading:
        reading = Reading(self.name, visit.fields(), {"target": _label(visit.target.url)})
        # What a page usually costs is counted for each reading; some cost more, and one that is given up gives none.
        counted = 0 if visit.is_abandoned else wan_bytes_of(reading)
        self._meter.add(max(0, visit.wire_bytes - counted))
        return reading

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        import ssl  # noqa: PLC0415 - 2 MB with its certificates, for encrypted pages alone

        ca_file = self._settings.ca_file
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


@dataclass(slots=True)
class _Visit:
    """One page, got in a thread of its own. `times` fills as far as the visit comes."""

    target: HttpTarget
    settings: HttpSettings
    tls: ssl.SSLContext | None
    times: dict[str, Value] = field(default_factory=dict)
    wire_bytes: int = 0
    is_abandoned: bool = False
    _socket: socket.socket | None = None

    def abandon(self) -> None:
        """Close the connection, from whichever thread."""
        self.is_abandoned = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("%s was closed already", self.target.url)

    def fields(self) -> dict[str, Value]:
        """Get the page and return the reading's fields. Never raises for what the network does."""
        import http.client  # noqa: PLC0415 - with the e-mail parser, for this probe alone

        started = perf_counter()
        connected = False
        try:
            with self._connect(urlsplit(self.target.url)) as channel:
                connected = True
                try:
                    failure = self._ask(channel)
                finally:
                    info = tcp_info(channel, comes_full=False)
                    self.wire_bytes = 0 if info is None else info.wire_bytes
        except http.client.HTTPException as error:
            log.info("%s: %r", self.target.url, error)
            failure = Failure.HTTP_INVALID
        except UnicodeError:  # not even a name: getaddrinfo does not ask
            failure = Failure.DNS_FAILED
        except TimeoutError:
            failure = Failure.READ_TIMEOUT if connected else Failure.CONNECT_TIMEOUT
        except OSError as error:
            log.info("%s: %s", self.target.url, error)
            failure = failure_of(error)
        if "status_code" in self.times:
            self.times["duration_seconds"] = _since(started)
        return {**self.times, "failure": None if failure is None else failure.value}

    def _connect(self, url: SplitResult) -> socket.socket:
        """Return an open connection, encrypted when the page is. Tries the host's addresses in turn."""
        port = url.port or (80 if self.tls is None else 443)
        timeout = self.settings.timeout_seconds
        addresses = socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM)
        last_error: OSError | None = None
        for family, kind, protocol, _, address in addresses[:3]:
            channel = socket.socket(family, kind, protocol)
            try:
                channel.settimeout(timeout)
                started = perf_counter()
                channel.connect(address)
                self.times["connect_seconds"] = _since(started)
                return self._encrypted(channel, url)
            except OSError as error:
                channel.close()
                last_error = error
                if "connect_seconds" in self.times:  # it is the page's certificate, not the address
                    break
        assert last_error is not None
        raise last_error

    def _encrypted(self, channel: socket.socket, url: SplitResult) -> socket.socket:
        self._socket = channel
        if self.is_abandoned:
            raise TimeoutError
        if self.tls is None:
            return channel
        started = perf_counter()
        encrypted = self.tls.wrap_socket(channel, server_hostname=url.hostname)
        self._socket = encrypted
        self.times["tls_seconds"] = _since(started)
        return encrypted

    def _ask(self, channel: socket.socket) -> Failure | None:
        """Send the request, read the answer (no more of it than allowed), and judge it."""
        import http.client  # noqa: PLC0415 - as above

        url = urlsplit(self.target.url)
        connection = http.client.HTTPConnection(url.netloc)
        connection.sock = channel
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("GET", path, headers=_HEADERS)
        started = perf_counter()
        # As long for the first byte as for all that follows it.
        read = Bounded(channel, self.settings.max_body_bytes + _MOST_BESIDE_BYTES, 2 * self.settings.timeout_seconds)
        with http.client.HTTPResponse(cast("socket.socket", read), method="GET") as response:
            response.fp.peek(1)  # waits for the first byte, and takes nothing
            self.times["first_byte_seconds"] = _since(started)
            response.begin()
            body = self._read(response)
            self.times["status_code"] = response.status
            self.times["body_bytes"] = len(body)
            text = unpacked(body, response.headers.get("Content-Encoding", ""), self.settings.max_body_bytes)
            failure = _judged(self.target, response.status, text)
            moved = failure is Failure.CAPTIVE_PORTAL and leads_to_own_https(url, response.headers.get("Location"))
            return Failure.HTTP_STATUS if moved else failure

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """Read at most `max_body_bytes`."""
        import http.client  # noqa: PLC0415 - as above

        parts: list[bytes] = []
        left = self.settings.max_body_bytes
        while left > 0 and (part := response.read1(min(left, 16_384))):
            parts.append(part)
            left -= len(part)
        if left > 0 and response.length:  # read1 takes an early end for the end
            raise http.client.IncompleteRead(b"", response.length)
        return b"".join(parts)


def _judged(target: HttpTarget, status: int, body: bytes) -> Failure | None:
    """Return the failure word for an answer.

    A portal answers in the page's place: with its own page, a redirect to it, or 511 (RFC 6585). Any
    other status from 400 on is an error that some server admits to.
    """
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
        return Failure.CAPTIVE_PORTAL
    if target.expect_status is not None and status == target.expect_status:
        as_expected = True
    elif status >= 400:
        return Failure.HTTP_STATUS
    else:
        expects_page = target.expect_text is not None
        as_expected = target.expect_status is None and not (expects_page and status >= 300)
    if target.expect_text is not None and target.expect_text.encode() not in body:
        as_expected = False
    return None if as_expected else Failure.CAPTIVE_PORTAL


def _label(url: str) -> str:
    """Return the page's name in the data: its address without the query, which may hold a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _since(started: float) -> float:
    return round(perf_counter() - started, 5)
