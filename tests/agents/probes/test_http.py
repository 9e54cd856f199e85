"""Against web servers on loopback: good, bad, stalling, encrypted, and a captive portal."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probe_settings import HttpSettings, HttpTarget
from aldea.agents.probes.http import HttpProbe
from aldea.agents.probes.packed import unpacked
from aldea.model.catalogue import CATALOGUE
from aldea.model.sample import Reading
from rigs.processes import LOOPBACK, free_port

_BOMB_BYTES = 60_000_000


def _bare(text: bytes) -> bytes:
    worker = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return worker.compress(text) + worker.flush()


_PACKED = {
    "/gzip": ("gzip", gzip.compress(b"success")),
    "/x-gzip": ("X-GZip, identity", gzip.compress(b"success")),
    "/deflate": ("deflate", zlib.compress(b"success")),
    "/bare-deflate": ("deflate", _bare(b"success")),
    "/not-really-packed": ("gzip", b"success"),
    "/damaged": ("gzip", gzip.compress(b"success" + bytes(9_000))[:-9]),
    "/unknown": ("br", b"\x0b\x03\x80success\x03"),
    "/packed-portal": ("gzip", gzip.compress(b"please pay")),
    "/bomb": ("gzip", gzip.compress(bytes(_BOMB_BYTES) + b"success")),
}
_MOVED = {"/elsewhere": (302, "http://portal.test/login"), "/moved": (301, f"https://{LOOPBACK}/moved")}


class _Pages(BaseHTTPRequestHandler):
    """The page's name says what it answers."""

    server: _Server

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))
        page = self.path.partition("?")[0]
        if page == "/stalls":
            self.server.let_go.wait(120)
        elif page == "/drips":
            self._drip()
        elif page in _MOVED:
            status, location = _MOVED[page]
            self._answer(status, b"", Location=location)
        elif page == "/breaks-off":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        elif page == "/nonsense":
            self.wfile.write(b"220 mail.test ESMTP\r\n")
        elif page.startswith("/status/"):
            self._answer(int(page.rpartition("/")[2]), b"")
        elif page == "/big":
            self._answer(200, b"x" * 300_000)
        else:
            encoding, body = _PACKED.get(page, ("identity", b"success\n"))
            self._answer(200, body, **{"Content-Encoding": encoding})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Set-Cookie", "seen=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while not self.server.let_go.wait(0.05):
            self.wfile.write(b".")

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Pages)
        self.seen: list[dict[str, str]] = []
        self.let_go = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Visitors that leave early are what these tests are about."""


@contextmanager
def _serving(tls: ssl.SSLContext | None = None) -> Iterator[_Server]:
    with _Server() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.let_go.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    with _serving() as running:
        yield running


def _settings(
    url: str, status: int | None = None, text: str | None = None, ca_file: Path | None = None, timeout: float = 30
) -> HttpSettings:
    target = HttpTarget(url=url, expect_status=status, expect_text=text)
    return HttpSettings(targets=(target,), timeout_seconds=timeout, ca_file=ca_file)


def _get(context: ProbeContext, settings: HttpSettings) -> Reading:
    (reading,) = asyncio.run(HttpProbe(settings, context).measure())
    return reading


def _page(server: _Server, path: str) -> str:
    return f"http://{LOOPBACK}:{server.server_port}{path}"


def test_a_page_that_answers_has_its_times_and_its_size(context: ProbeContext, server: _Server) -> None:
    reading = _get(context, _settings(_page(server, "/hello?key=secret")))
    fields = dict(reading.fields)
    assert reading.tags == {"target": _page(server, "/hello")}
    assert (fields["status_code"], fields["body_bytes"], fields["failure"]) == (200, 8, None)
    for name in ("connect_seconds", "first_byte_seconds", "duration_seconds"):
        value = fields[name]
        assert isinstance(value, float)
        assert 0 <= value < 30
    assert "tls_seconds" not in fields
    assert set(fields) <= {item.name for item in CATALOGUE["http"].fields}


def test_nothing_is_kept_between_visits(context: ProbeContext, server: _Server) -> None:
    probe = HttpProbe(_settings(_page(server, "/hello")), context)
    server.seen.clear()
    for _ in range(2):
        asyncio.run(probe.measure())
    assert len(server.seen) == 2
    assert all("Cookie" not in headers and "If-None-Match" not in headers for headers in server.seen)
    assert len("".join(f"{name}: {value}\r\n" for name, value in server.seen[0].items())) < 200


@pytest.mark.parametrize(
    ("path", "status", "text", "failure"),
    [
        ("/status/204", 204, None, None),
        ("/hello", None, "success", None),
        ("/hello", 200, "success", None),
        ("/elsewhere", None, None, None),  # a redirect is an answer when nothing else was expected
        ("/status/500", None, None, "http_status"),
        ("/status/404", None, None, "http_status"),
        ("/status/404", 404, None, None),
        ("/status/503", 204, None, "http_status"),  # a server's trouble, not a portal's page
        ("/status/511", None, None, "captive_portal"),
        ("/hello", 204, None, "captive_portal"),
        ("/hello", 200, "another text", "captive_portal"),
        ("/hello", None, "another text", "captive_portal"),
        ("/elsewhere", 204, None, "captive_portal"),
        ("/elsewhere", None, "success", "captive_portal"),
        ("/moved", None, "success", "http_status"),  # by now it is there by https alone
        ("/moved", 204, None, "http_status"),
        ("/moved", 301, None, None),
        ("/moved", None, None, None),
        ("/nonsense", None, None, "http_invalid"),
        ("/breaks-off", None, None, "http_invalid"),
    ],
)
def test_each_answer_has_its_word(
    context: ProbeContext, server: _Server, path: str, status: int | None, text: str | None, failure: str | None
) -> None:
    assert _get(context, _settings(_page(server, path), status, text)).fields["failure"] == failure


@pytest.mark.parametrize("path", sorted(_PACKED))
def test_a_page_that_comes_packed_unasked_is_judged_by_its_text(
    context: ProbeContext, server: _Server, path: str
) -> None:
    reading = _get(context, _settings(_page(server, path), None, "success"))
    portal = "captive_portal" if path in {"/packed-portal", "/bomb"} else None
    assert reading.fields["failure"] == portal
    assert reading.fields["body_bytes"] == len(_PACKED[path][1]), "what crossed the link"


def test_a_packed_page_that_would_fill_the_memory_is_unpacked_no_further_than_it_is_read() -> None:
    encoding, body = _PACKED["/bomb"]
    tracemalloc.start()
    try:
        assert unpacked(body, encoding, 65_536) == bytes(65_536)
        assert tracemalloc.get_traced_memory()[1] < _BOMB_BYTES / 20
    finally:
        tracemalloc.stop()


def test_no_redirect_is_followed(context: ProbeContext, server: _Server) -> None:
    reading = _get(context, _settings(_page(server, "/elsewhere")))
    assert (reading.fields["status_code"], reading.fields["body_bytes"]) == (302, 0)


def test_a_page_that_stalls_is_a_read_timeout(context: ProbeContext, server: _Server) -> None:
    fields = _get(context, _settings(_page(server, "/stalls"), timeout=0.2)).fields
    assert fields["failure"] == "read_timeout"
    assert fields["connect_seconds"] is not None
    assert "duration_seconds" not in fields


def test_a_page_that_drips_for_ever_is_given_up(context: ProbeContext, server: _Server) -> None:
    assert _get(context, _settings(_page(server, "/drips"), timeout=0.2)).fields["failure"] == "read_timeout"


def test_a_big_page_is_read_up_to_the_limit(context: ProbeContext, server: _Server) -> None:
    assert _get(context, _settings(_page(server, "/big"))).fields["body_bytes"] == 65_536


def test_a_closed_port_is_a_refused_connection(context: ProbeContext) -> None:
    fields = _get(context, _settings(f"http://{LOOPBACK}:{free_port()}/")).fields
    assert fields == {"failure": "connection_refused"}


def test_a_connection_nobody_answers_is_a_connect_timeout(context: ProbeContext) -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address):
            fields = _get(context, _settings(f"http://{LOOPBACK}:{address[1]}/", timeout=0.2)).fields
    assert fields == {"failure": "connect_timeout"}


def test_a_name_that_does_not_resolve_is_a_dns_failure(context: ProbeContext) -> None:
    # A label of 64 characters cannot be a name, so nothing is asked of any server.
    assert _get(context, _settings(f"http://{'x' * 64}.test/")).fields == {"failure": "dns_failed"}


def test_giving_up_ends_the_visit_too(context: ProbeContext, server: _Server) -> None:
    settings = HttpSettings(targets=(HttpTarget(url=_page(server, "/stalls")),), timeout_seconds=120)

    async def given_up() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        readings = await run_probe(HttpProbe(settings, context), 0.1)
        assert readings == [Reading("http", {"failure": "probe_timeout"})]
        await loop.shutdown_default_executor()  # returns when the visitor's thread has ended
        return loop.time() - started

    assert asyncio.run(given_up()) < 60, "the page would have kept it for twice as long"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_a_certificate_of_an_authority_we_trust_is_taken(
    context: ProbeContext, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with _serving(_tls(authority, LOOPBACK)) as server:
        url = _page(server, "/hello").replace("http:", "https:")
        fields = _get(context, _settings(url, ca_file=tmp_path / "ca.pem")).fields
    assert (fields["status_code"], fields["failure"]) == (200, None)
    assert isinstance(fields["tls_seconds"], float)
    assert fields["tls_seconds"] > 0


@pytest.mark.parametrize(("name", "trusted"), [(LOOPBACK, False), ("another.test", True)])
def test_a_certificate_we_do_not_trust_or_of_another_name_is_refused(
    context: ProbeContext, authority: trustme.CA, tmp_path: Path, name: str, trusted: bool
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with _serving(_tls(authority, name)) as server:
        url = _page(server, "/hello").replace("http:", "https:")
        fields = _get(context, _settings(url, ca_file=tmp_path / "ca.pem" if trusted else None)).fields
        assert server.seen == []
    assert fields["failure"] == "tls_certificate_invalid"
    assert "status_code" not in fields


def test_a_server_that_does_not_speak_tls_is_a_tls_failure(context: ProbeContext) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:

        def speak() -> None:
            channel, _ = listener.accept()
            with channel:
                channel.sendall(b"220 mail.test ESMTP\r\n")
                channel.recv(2000)

        thread = threading.Thread(target=speak)
        thread.start()
        fields = _get(context, _settings(f"https://{LOOPBACK}:{listener.getsockname()[1]}/")).fields
        thread.join()
    assert fields["failure"] == "tls_failed"
