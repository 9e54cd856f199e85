"""Speed tests against servers as they are in the world: with limits, in chunks, moved to https, sending too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from aldea.agents.probes.throughput import http_flow
from aldea.agents.probes.throughput.http_test import HttpTest
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.model.failures import Failure

CONNECT_SECONDS = 0.2
ENDED = threading.Event()
LARGEST = 50_000_000
"""What Aldea's own server moves for one question."""


class Server(BaseHTTPRequestHandler):
    """/limited/N serves and takes LARGEST at most, /chunked/N does not say its size, /moved/N and /portal/N redirect,
    /endless has no end, whatever part of it is asked for, and /slow/N comes in pieces with long waits between them.
    /closing/N takes one question a connection.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        _, kind, size = f"{self.path}/0".split("/")[:3]
        getattr(self, f"_{kind}")(int(size))

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        if "moved" in self.path:
            self.close_connection = True
            self._moved(size)
        elif size > LARGEST:
            self.close_connection = True
            self._answer(413)
        else:
            while size > 0 and (part := self.rfile.read1(min(size, 65_536))):
                size -= len(part)
            self._answer(204, closes="closing" in self.path)

    def _answer(self, status: int, length: int = 0, location: str = "", *, closes: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if closes:
            self.send_header("Connection", "close")
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def _limited(self, size: int) -> None:
        if size > LARGEST:
            self._answer(400)
        else:
            self._answer(200, size)
            self._write(size)

    def _closing(self, size: int) -> None:
        self._answer(200, size, closes=True)
        self._write(size)

    def _chunked(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, size, 10_000):
            part = bytes(min(10_000, size - start))
            self._sent(b"%x\r\n%s\r\n" % (len(part), part))
        self._sent(b"0\r\n\r\n")

    def _moved(self, size: int) -> None:
        self._answer(301, location=f"https://127.0.0.1/moved/{size}")

    def _portal(self, _size: int) -> None:
        self._answer(302, location="http://login.provider.example/")

    def _endless(self, _size: int) -> None:
        self._answer(200, 10**12)
        while not self.close_connection:
            self._sent(bytes(65_536))

    def _slow(self, size: int) -> None:
        self._answer(200, size)
        for start in range(0, size, 10_000):
            self._sent(bytes(min(10_000, size - start)))
            if self.close_connection or ENDED.wait(3 * CONNECT_SECONDS):
                return

    def _write(self, size: int) -> None:
        for start in range(0, size, 65_536):
            self._sent(bytes(min(65_536, size - start)))

    def _sent(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
        except OSError:  # the test knew enough
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    serving.daemon_threads = True
    threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
    ENDED.clear()
    yield f"http://127.0.0.1:{serving.server_address[1]}"
    ENDED.set()
    serving.shutdown()
    serving.server_close()


def measured(url: str, direction: Direction = Direction.DOWN, *, wire_bytes: int = 300_000, flows: int = 2) -> Outcome:
    return HttpTest(url, direction, Limits(wire_bytes, 8.0, flows, 5.0), None).run()


@pytest.mark.parametrize("direction", list(Direction))
def test_a_share_that_is_larger_than_a_server_moves_at_once_goes_in_parts(server: str, direction: Direction) -> None:
    outcome = measured(f"{server}/limited/{{bytes}}", direction, wire_bytes=80_000_000, flows=1)
    assert outcome.failure is None
    assert outcome.bits_per_second
    assert outcome.steady or outcome.body_bytes > LARGEST


@pytest.mark.parametrize("direction", list(Direction))
def test_a_server_that_closes_after_each_question_has_moved_what_was_asked_for(
    server: str, direction: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_flow, "_PART_BYTES", 100_000)
    flow = http_flow.Flow(lambda count: urlsplit(f"{server}/closing/{count}"), direction, 250_000, 5.0, 5.0, None)
    flow.connect()
    flow.run()
    flow.close()
    assert (flow.failure, flow.body_bytes) == (None, 100_000)


def test_a_connection_that_waits_longer_than_connecting_may_take_is_slow_and_not_broken(server: str) -> None:
    limits = Limits(wire_bytes=80_000, seconds=60.0, flows=2, connect_seconds=CONNECT_SECONDS)
    outcome = HttpTest(f"{server}/slow/{{bytes}}", Direction.DOWN, limits, None).run()
    assert outcome.failure is None
    assert outcome.body_bytes > 20_000, "a first piece on each connection, and more after a long wait"
    assert outcome.bits_per_second


def test_an_object_in_chunks_is_an_object(server: str) -> None:
    outcome = measured(f"{server}/chunked/{{bytes}}")
    assert (outcome.failure, outcome.body_bytes > 200_000) == (None, True)


@pytest.mark.parametrize("direction", list(Direction))
def test_a_server_that_has_moved_to_https_is_no_portal(server: str, direction: Direction) -> None:
    assert measured(f"{server}/moved/{{bytes}}", direction).failure is Failure.HTTP_STATUS


def test_a_redirect_to_another_server_is_a_portal(server: str) -> None:
    assert measured(f"{server}/portal/{{bytes}}").failure is Failure.CAPTIVE_PORTAL


def test_a_server_that_sends_more_than_was_asked_is_left_at_the_cap(server: str) -> None:
    outcome = measured(f"{server}/endless", wire_bytes=500_000)
    assert outcome.failure is None
    assert outcome.body_bytes <= 500_000
