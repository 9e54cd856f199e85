"""Servers, and boxes on the way, that answer without an end, in crumbs, or with nothing that makes sense."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import HttpSettings, HttpTarget
from aldea.agents.probes.http import HttpProbe
from aldea.agents.probes.throughput.http_test import HttpTest
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.model.failures import Failure
from rigs.waiting import eventually

LOOPBACK = "127.0.0.1"
ENDLESS = 64_000_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
Says = Callable[[], Iterator[bytes]]


class Server:
    """Says what it is to say to whoever asks, until the other hangs up or ENDLESS bytes are said."""

    def __init__(self, says: Says) -> None:
        self.sent_bytes = 0
        self._says = says
        self._listening = socket.create_server((LOOPBACK, 0))
        self._threads: list[threading.Thread] = []
        self._serve(self._accept)
        self.url = f"http://{LOOPBACK}:{self._listening.getsockname()[1]}/object"

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(60)

    def _serve(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._serve(lambda channel=connection: self._answer(channel))  # type: ignore[misc]  # one for each

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not connection.recv(65_536):
                return  # it has only knocked
            said = 0
            for piece in self._says():
                connection.sendall(piece)
                said += len(piece)
                self.sent_bytes += len(piece)
                if said > ENDLESS:
                    return


@contextmanager
def serving(says: Says) -> Iterator[Server]:
    server = Server(says)
    try:
        yield server
    finally:
        server.close()


def then(start: bytes, repeated: bytes) -> Says:
    return lambda: itertools.chain([start], itertools.repeat(repeated))


def once(*pieces: bytes) -> Says:
    return lambda: iter(pieces)


HEADERS = then(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 60_000 + b"\r\n")
ONE_HEADER = then(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 60_000)
CONTINUES = then(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)
TRAILERS = then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: x\r\n" * 10_000)
NEGATIVE_CHUNK = then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", b"x" * 60_000)


@pytest.mark.parametrize("says", [HEADERS, ONE_HEADER, CONTINUES, TRAILERS, NEGATIVE_CHUNK])
def test_a_page_without_an_end_costs_no_more_than_a_page(context: ProbeContext, says: Says) -> None:
    with serving(says) as server:
        settings = HttpSettings(targets=(HttpTarget(url=server.url, expect_text="success"),), timeout_seconds=30)
        (reading,) = asyncio.run(HttpProbe(settings, context).measure())
    assert reading.fields["failure"] in {"http_invalid", "captive_portal"}
    # What was read, and what the kernel had taken in beside it.
    assert server.sent_bytes < ENDLESS / 4
    if says is not NEGATIVE_CHUNK:  # that one ends at once
        assert context.meter.waiting() > 60_000, "it is booked"


def test_a_page_that_is_given_up_on_the_way_is_booked_with_what_it_has_cost(context: ProbeContext) -> None:
    asked = threading.Event()

    def stalls() -> Iterator[bytes]:
        yield HEAD % 10**6
        yield bytes(50_000)
        asked.wait(60)

    async def story(url: str) -> None:
        settings = HttpSettings(targets=(HttpTarget(url=url),), timeout_seconds=30)
        visit = asyncio.create_task(HttpProbe(settings, context).measure())
        await asyncio.to_thread(eventually, lambda: server.sent_bytes > 50_000, 60)
        assert context.meter.waiting() == 0
        visit.cancel()
        with suppress(asyncio.CancelledError):
            await visit
        # How much of it had come by then is the kernel's affair.
        await asyncio.to_thread(eventually, lambda: context.meter.waiting() > 0, 60)

    with serving(stalls) as server:
        try:
            asyncio.run(story(server.url))
        finally:
            asked.set()


def run_test(server: Server, seconds: float) -> Outcome:
    limits = Limits(wire_bytes=10_000_000, seconds=seconds, flows=2, connect_seconds=30.0)
    return HttpTest(server.url, Direction.DOWN, limits, None).run()


@pytest.mark.parametrize(
    "says", [HEADERS, ONE_HEADER, CONTINUES, TRAILERS, NEGATIVE_CHUNK, then(HEAD % 10**12, bytes(60_000))]
)
def test_a_test_of_an_answer_without_an_end_ends_and_says_what_it_has_cost(says: Says) -> None:
    with serving(says) as server:
        outcome = run_test(server, 2.0)
    assert not outcome.steady
    # More than was taken is not said, and not less than what was read.
    assert outcome.body_bytes <= outcome.spent_bytes
    assert outcome.seconds < 30


@pytest.mark.parametrize(
    "says", [once(b"HTT"), once(b"HTTP/1.1 200 OK\r\nContent-Le"), once(b""), once(HEAD % 10**6, bytes(500))]
)
def test_a_server_that_hangs_up_is_a_failure_that_has_cost_little(says: Says) -> None:
    with serving(says) as server:
        outcome = run_test(server, 30.0)
    assert outcome.failure in {Failure.HTTP_INVALID, Failure.CONNECTION_RESET}
    assert 0 < outcome.spent_bytes < 20_000


def test_an_address_that_is_no_name_is_a_dns_failure() -> None:
    limits = Limits(wire_bytes=400_000, seconds=30.0, flows=2, connect_seconds=30.0)
    outcome = HttpTest(f"http://{'a' * 64}.test/{{bytes}}", Direction.DOWN, limits, None).run()
    assert (outcome.failure, outcome.spent_bytes) == (Failure.DNS_FAILED, 0)


def test_without_a_handle_to_count_with_a_test_fails_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_number: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with serving(once(HEAD % 10)) as server:
        monkeypatch.setattr("aldea.agents.probes.throughput.http_flow.os.dup", no_more)
        outcome = run_test(server, 30.0)
    assert outcome.failure is not None


def test_without_a_handle_to_knock_with_what_is_under_way_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("aldea.agents.probes.throughput.http_test.Knock", no_more)

    def slowly() -> Iterator[bytes]:
        yield HEAD % 10**12
        while True:
            time.sleep(0.01)
            yield bytes(100)

    with serving(slowly) as server:
        test = HttpTest(server.url, Direction.DOWN, Limits(10_000_000, 60.0, 2, 30.0), None)

        def give_up_once_something_came() -> None:
            eventually(lambda: any(flow.arrived_bytes for flow in test._flows))
            test.abandon()

        giving_up = threading.Thread(target=give_up_once_something_came)
        giving_up.start()
        outcome = test.run()
        giving_up.join()
    assert (outcome.failure, outcome.steady) == (None, False)
    assert outcome.spent_bytes > outcome.body_bytes > 0


def test_single_bytes_are_not_counted_as_full_segments() -> None:
    def crumbs() -> Iterator[bytes]:
        yield HEAD % 10**6
        for _ in range(400):
            time.sleep(0.001)  # else the kernel puts them together
            yield b"x"

    with serving(crumbs) as server:
        outcome = run_test(server, 30.0)
    # Each byte with its headers, and its acknowledgement.
    assert outcome.body_bytes < outcome.spent_bytes < 2 * 400 * (53 + 52) * 1.2 + 20_000
