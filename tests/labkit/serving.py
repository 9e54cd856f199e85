"""Small servers of the lab, each a thread that lives in a namespace: names, pages, a portal, objects to measure by."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from labkit.namespaces import Namespace


class NameServer(socketserver.UDPServer):
    """The authority for every name of the lab: IPv4 addresses, and NXDOMAIN for what is none."""

    def __init__(self, address: str, addresses: Mapping[str, str]) -> None:
        super().__init__((address, 53), _Authority)
        self.addresses = {f"{name}.": value for name, value in addresses.items()}


class _Authority(socketserver.BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        data, channel = self.request
        with suppress(dns.exception.DNSException):
            channel.sendto(self._answer(dns.message.from_wire(data)).to_wire(), self.client_address)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        question = query.question[0]
        address = self.server.addresses.get(question.name.to_text().lower())
        if address is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", address))
        return answer


class Mood(StrEnum):
    """How a forwarder treats questions."""

    WELL = "well"
    SILENT = "silent"
    REFUSES = "refuses"
    KNOWS_NOTHING = "knows_nothing"
    FAILS = "fails"


_RCODES = {
    Mood.REFUSES: dns.rcode.REFUSED,
    Mood.KNOWS_NOTHING: dns.rcode.NXDOMAIN,
    Mood.FAILS: dns.rcode.SERVFAIL,
}


class Forwarder(socketserver.ThreadingUDPServer):
    """The router's name server: hands each question on, without memory. `mood` is how it does today."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, upstream: str) -> None:
        super().__init__((address, 53), _Forwarding)
        self.upstream = upstream
        self.mood = Mood.WELL


class _Forwarding(socketserver.BaseRequestHandler):
    server: Forwarder

    def handle(self) -> None:
        data, channel = self.request
        mood = self.server.mood
        if mood is Mood.SILENT:
            return
        answer = self._asked(data) if mood is Mood.WELL else self._refused(data, _RCODES[mood])
        if answer:
            with suppress(OSError):
                channel.sendto(answer, self.client_address)

    def _asked(self, data: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(3.0)
            try:
                upstream.sendto(data, (self.server.upstream, 53))
                return upstream.recv(4096)
            except OSError:
                return b""

    @staticmethod
    def _refused(data: bytes, rcode: dns.rcode.Rcode) -> bytes:
        answer = dns.message.make_response(dns.message.from_wire(data))
        answer.set_rcode(rcode)
        return answer.to_wire()


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Page(_Quiet):
    """A page of the internet: `/generate_204` and one with words."""

    def do_GET(self) -> None:
        if self.path == "/generate_204":
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()
            return
        body = b"<p>The internet.</p>"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Portal(_Quiet):
    """A provider's page in every page's place: pay first."""

    def do_GET(self) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", "http://portal.example/recarga")
        self.send_header("Content-Length", "0")
        self.end_headers()


class Objects(_Quiet):
    """What throughput is measured against, at the addresses of an Aldea server."""

    def do_GET(self) -> None:
        left = int(self.path.rpartition("/")[2])
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(left))
        self.end_headers()
        block = bytes(65_536)
        with suppress(OSError):
            while left > 0:
                left -= self.wfile.write(block[: min(left, len(block))])
        self.close_connection = True

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        try:
            while left > 0 and (part := self.rfile.read1(min(left, 65_536))):
                left -= len(part)
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()
        except OSError:
            self.close_connection = True


class WebServer(ThreadingHTTPServer):
    """Answers by threads that nobody waits for; a visitor who hangs up is no error."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: str, port: int, handler: type[_Quiet], tls: ssl.SSLContext | None = None) -> None:
        super().__init__((address, port), handler)
        self._tls = tls

    def server_bind(self) -> None:
        """Bind, without asking the world's name servers for this address's name as the library does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Encrypt in the visitor's own thread, so that a slow one keeps nobody else."""
        with suppress(OSError):
            if self._tls is None:
                super().finish_request(request, client_address)
                return
            request.settimeout(10)
            with self._tls.wrap_socket(request, server_side=True) as encrypted:
                super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: faults cut connections on purpose."""


def serve(stack: ExitStack, place: Namespace, make: Callable[[], socketserver.BaseServer]) -> None:
    """Start a server in a namespace, and stop it with the stack."""
    server = place.call(make)
    thread = place.call(_start, server)
    stack.callback(thread.join, 5)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)


def _start(server: socketserver.BaseServer) -> threading.Thread:
    # Started from the namespace's own thread: whatever it opens later is there too.
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    return thread
