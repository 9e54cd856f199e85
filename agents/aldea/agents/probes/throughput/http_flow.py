"""One of a test's parallel connections: asks for a sized object again and again, or posts one."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult

from aldea.agents.probes.redirects import leads_to_own_https
from aldea.agents.probes.throughput.outcome import Direction
from aldea.agents.tcp_info import TcpInfo, tcp_info
from aldea.model.failures import Failure, failure_of

_BUFFER_BYTES = 65_536
_PART_BYTES = 25_000_000
"""A larger share is asked for, or posted, in parts: servers bound what one question may move (Aldea's own: 50 MB)."""
_HEADERS = {"User-Agent": "Aldea-agent", "Accept-Encoding": "identity", "Cache-Control": "no-cache, no-store"}
_RESET_ON_CLOSE = b"\x01\0\0\0\0\0\0\0"  # struct linger: on, 0 s; what is not sent yet is dropped


class FlowFailed(Exception):
    """The flow cannot go on. `failure` is the word for it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(slots=True)
class Flow:
    """One connection, used by one thread; `stop` and the numbers by another. `address`: the URL for so many bytes.

    `patience_seconds` is how long nothing may come or go: on a slow link one flow waits long while the others have it.
    """

    address: Callable[[int], SplitResult]
    direction: Direction
    share_bytes: int
    connect_seconds: float
    patience_seconds: float
    tls: ssl.SSLContext | None
    body_bytes: int = 0
    failure: Failure | None = None
    place: tuple[tuple[Any, ...], int] | None = None
    """The server's address and its family, once there is a connection."""
    _connection: http.client.HTTPConnection | None = None
    _counted: socket.socket | None = None
    _last: TcpInfo | None = None
    _done: bool = False
    _stopped: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> None:
        """Open the connection. Never raises for what the network does: `failure` says."""
        try:
            self._connect()
        except FlowFailed as error:
            self.failure = error.failure
        except OSError as error:  # no handle is left for the count
            self.failure = failure_of(error)

    def _connect(self) -> None:
        url = self.address(self.share_bytes)
        assert url.hostname is not None
        if self.tls is None:
            made = http.client.HTTPConnection(url.hostname, url.port, timeout=self.connect_seconds)
        else:
            made = http.client.HTTPSConnection(url.hostname, url.port, timeout=self.connect_seconds, context=self.tls)
        self._connection = made
        self._guarded(made.connect, Failure.CONNECT_TIMEOUT)
        made.sock.settimeout(self.patience_seconds)
        # A handle of our own: http.client drops its socket with a last answer, and the kernel's count would be gone.
        self._counted = socket.socket(fileno=os.dup(made.sock.fileno()))
        with suppress(OSError):  # it is reset already
            self.place = self._counted.getpeername(), self._counted.family

    def run(self) -> None:
        """Carry this flow's share, until it is done or stopped. Never raises for what the network does."""
        try:
            work = self._fetch if self.direction is Direction.DOWN else self._send
            while self.body_bytes < self.share_bytes and not self._stopped.is_set():
                self._guarded(work, Failure.READ_TIMEOUT)
            self._done = not self._stopped.is_set()
        except FlowFailed as error:
            if not self._stopped.is_set():
                self.failure = error.failure

    @property
    def info(self) -> TcpInfo | None:
        """What the kernel counts of this connection, or did last."""
        found = None if self._counted is None else tcp_info(self._counted, comes_full=self.direction is Direction.DOWN)
        self._last = found or self._last
        return self._last

    @property
    def arrived_bytes(self) -> int:
        """The bytes that have come to the end of their way: read here, or acknowledged there."""
        if self.direction is Direction.DOWN:
            return self.body_bytes
        info = self.info
        return self.body_bytes if info is None else min(info.acked_bytes, self.body_bytes)

    def stop(self) -> None:
        """End it from outside: what is not sent yet is dropped. `close` then tells the server at once.

        One that is done already ends in order.
        """
        self._stopped.set()
        _ = self.info  # a connection that is reset loses its numbers
        channel = self._counted
        if channel is not None and not self._done:
            try:
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                # Who only reads is woken so; a FIN would have each flow send once more before it is told to stop.
                channel.shutdown(socket.SHUT_RD if self.direction is Direction.DOWN else socket.SHUT_RDWR)
            except OSError:
                return  # it was closed already

    def close(self) -> None:
        """Close the connection; its numbers stay."""
        _ = self.info
        for held in (self._connection, self._counted):
            if held is not None:
                held.close()

    def _guarded(self, work: Callable[[], None], on_timeout: Failure) -> None:
        try:
            work()
        except http.client.HTTPException as error:
            raise FlowFailed(Failure.HTTP_INVALID) from error
        except UnicodeError as error:  # not even a name: getaddrinfo does not ask
            raise FlowFailed(Failure.DNS_FAILED) from error
        except TimeoutError as error:
            raise FlowFailed(on_timeout) from error
        except OSError as error:
            raise FlowFailed(failure_of(error)) from error

    def _fetch(self) -> None:
        assert self._connection is not None
        wanted = min(self.share_bytes - self.body_bytes, _PART_BYTES)
        url = self.address(wanted)
        # A fixed object that is larger than the share gives the part that is asked for, where the server can.
        ranged = {"Range": f"bytes=0-{wanted - 1}"} if self.address(1) == url else {}
        self._connection.request("GET", _path(url), headers={**_HEADERS, **ranged})
        response = self._connection.getresponse()
        _judge(response, url, None if ranged else wanted, is_object=True)
        began = self.body_bytes
        while self.body_bytes < self.share_bytes and not self._stopped.is_set():
            # read1: what is there, now. Waiting for a full buffer would count in lumps.
            count = len(response.read1(min(_BUFFER_BYTES, self.share_bytes - self.body_bytes)))
            if count == 0:
                response.close()  # read1 does not, at the end of a body: the next question would be refused
                break
            self.body_bytes += count
        if self.body_bytes == began:
            raise FlowFailed(Failure.HTTP_INVALID)  # an empty object would be asked for ever
        if response.will_close:
            self._end_early(was_whole=self.body_bytes - began >= wanted)

    def _send(self) -> None:
        assert self._connection is not None
        ends = self.body_bytes + min(self.share_bytes - self.body_bytes, _PART_BYTES)
        url = self.address(ends - self.body_bytes)
        self._connection.putrequest("POST", _path(url), skip_accept_encoding=True)
        length = str(ends - self.body_bytes)
        headers = {**_HEADERS, "Content-Type": "application/octet-stream", "Content-Length": length}
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        block = os.urandom(_BUFFER_BYTES)  # random: a link that compresses must not look faster
        try:
            while self.body_bytes < ends and not self._stopped.is_set():
                part = block[: ends - self.body_bytes]
                self._connection.send(part)
                self.body_bytes += len(part)
        except (BrokenPipeError, ConnectionResetError):
            if self._stopped.is_set():
                return
            _judge(self._connection.getresponse(), url, None)  # who refuses may say why before it hangs up
            raise
        if not self._stopped.is_set():
            response = self._connection.getresponse()
            _judge(response, url, None)
            response.read(_BUFFER_BYTES)
            if response.will_close:
                self._end_early(was_whole=True)

    def _end_early(self, *, was_whole: bool) -> None:
        """Be content with what was moved where the server closes after each question, and had answered all of this."""
        if not was_whole and self.body_bytes < self.share_bytes:
            raise FlowFailed(Failure.CONNECTION_RESET)
        self.share_bytes = self.body_bytes


def _path(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _judge(
    response: http.client.HTTPResponse, url: SplitResult, wanted: int | None, *, is_object: bool = False
) -> None:
    """Raise FlowFailed when the answer is not the sized object, or the thanks for one, but a portal's or an error."""
    if response.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        raise FlowFailed(Failure.SERVER_BUSY)
    if response.status >= 400 and response.status != HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
        raise FlowFailed(Failure.HTTP_STATUS)
    if response.status >= 300:
        moved = leads_to_own_https(url, response.headers.get("Location"))
        raise FlowFailed(Failure.HTTP_STATUS if moved else Failure.CAPTIVE_PORTAL)
    if is_object and response.headers.get_content_type() == "text/html":
        raise FlowFailed(Failure.CAPTIVE_PORTAL)
    # A server that sends it in chunks does not say its size.
    if wanted is not None and response.length not in {None, wanted}:
        raise FlowFailed(Failure.CAPTIVE_PORTAL)
