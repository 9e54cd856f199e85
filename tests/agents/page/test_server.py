"""The page's server on a real port: what it withstands, and that the agent goes on."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentkit.box import make_view
from aldea.agents.page import server as serving
from aldea.agents.page.connections import MOST_HELD_BYTES, Connections
from aldea.agents.page.server import PageServer
from aldea.agents.page_settings import PageSettings
from aldea.model.clock import ManualClock
from rigs.processes import free_port
from rigs.waiting import eventually

PATIENCE_SECONDS = 15
"""Shorter than the server's own with those who are silent: who has to wait for that was kept out."""


def page_server(folder: Path, port: int) -> PageServer:
    return PageServer(make_view(folder, ManualClock(), PageSettings(enabled=True, host="127.0.0.1", port=port)))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    server = page_server(tmp_path, free_port())
    server.start()
    bound = server.wait_until_bound(60)
    assert bound is not None
    yield bound
    server.stop(60)


def get(port: int, path: str = "/about", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_serves_in_its_own_thread_and_ends_in_time(tmp_path: Path) -> None:
    server = page_server(tmp_path, free_port())
    server.start()
    bound = server.wait_until_bound(60)
    assert bound is not None
    assert get(bound)[0] == 200
    server.stop(60)
    assert "page" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        get(bound)


def test_a_port_that_is_taken_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_AGAIN_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = page_server(tmp_path, other.getsockname()[1])
        with caplog.at_level(logging.ERROR):
            server.start()
            eventually(lambda: "cannot listen on 127.0.0.1" in caplog.text)
            assert server.wait_until_bound(0) is None
    assert server.wait_until_bound(60) is not None
    server.stop()


def test_a_foreign_host_name_is_refused_over_the_wire(port: int) -> None:
    status, body = get(port, Host="rebind.example.org")
    assert status == 421
    assert f"http://127.0.0.1:{port}".encode() in body, "by the address at which this one reaches us"


def test_a_huge_body_is_refused_and_nothing_of_it_is_kept(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/pin", body=b"pin=" + b"1" * 300_000)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"256 KB" in answer.read()
    connection.close()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/pin")
    connection.putheader("Content-Length", "900000000")
    connection.endheaders()
    assert connection.getresponse().status == 413, "said before it is sent"
    connection.close()
    assert get(port)[0] == 200


def test_endless_headers_are_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000)
        assert b" 431 " in slow.recv(100)
    assert get(port)[0] == 200


def test_slow_clients_keep_nobody_else_out(port: int) -> None:
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(12)]
    try:
        for slow in waiting:
            slow.sendall(b"POST /pin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\npin=")
        assert get(port)[0] == 200
    finally:
        for slow in waiting:
            slow.close()


@pytest.mark.parametrize(
    "begun", [b"", b"GET /about HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET /about HTTP/1.1\r\nX: "]
)
def test_a_village_of_phones_that_hold_their_connections_keeps_nobody_out(port: int, begun: bytes) -> None:
    phones = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(serving.MOST_CONNECTIONS + 20)]
    try:
        for phone in phones:
            with suppress(OSError):  # those that were ended already
                phone.sendall(begun)
        for _ in range(5):
            assert get(port)[0] == 200
    finally:
        for phone in phones:
            phone.close()


@dataclass
class Begun:
    """A request that is not whole yet."""

    body_bytes_received: int = 0


class Channel:
    """What a server knows of a connection."""

    def __init__(self, address: str = "192.168.1.5", *, begun: bool = False) -> None:
        self.addr = (address, 4711)
        self.request = Begun() if begun else None
        self.requests: list[object] = []
        self.total_outbufs_len = 0
        self.last_activity = 1000.0
        self.will_close = False


def test_what_is_held_for_nothing_is_ended_whatever_the_wall_clock_says() -> None:
    clock = ManualClock()
    held = Connections(clock, 100)
    idle, slow, busy, reading = Channel(), Channel(begun=True), Channel(), Channel()
    busy.requests.append(object())
    reading.total_outbufs_len = 5_000
    idle.last_activity = 4e9  # noted before the clock was set right
    for _ in range(70):
        slow.last_activity += 1
        held.end_some([idle, slow, busy, reading])
        if clock.mono_ms() < 3_000:
            assert not any(channel.will_close for channel in (idle, slow, busy, reading))
        clock.advance(1_000)
    assert (idle.will_close, slow.will_close, busy.will_close, reading.will_close) == (True, True, False, True)


def test_in_a_crowd_the_oldest_of_the_address_with_the_most_go_first() -> None:
    clock = ManualClock()
    held = Connections(clock, 10)
    phone = Channel("192.168.1.7", begun=True)
    hostile = []
    held.end_some([phone])
    for _ in range(12):
        hostile.append(Channel("192.168.1.66", begun=True))
        clock.advance(100)
        held.end_some([phone, *(channel for channel in hostile if not channel.will_close)])
    assert not phone.will_close
    assert [channel.will_close for channel in hostile] == [True] * 5 + [False] * 7


def test_forms_that_never_end_cannot_fill_the_memory() -> None:
    held = Connections(ManualClock(), 100)
    phone = Channel(begun=True)
    hostile = [Channel(f"192.168.1.{66 + number % 2}", begun=True) for number in range(60)]
    assert phone.request is not None
    phone.request.body_bytes_received = 200_000
    for number, channel in enumerate(hostile):
        assert channel.request is not None
        channel.request.body_bytes_received = 100_000 + number
    held.end_some([phone, *hostile])
    assert not phone.will_close
    left = [channel for channel in hostile if not channel.will_close]
    assert sum(channel.request.body_bytes_received for channel in left if channel.request) <= MOST_HELD_BYTES
    assert len(left) == 27


@pytest.mark.parametrize("host", ["::", "::1"])
def test_it_listens_on_ipv6_too(tmp_path: Path, host: str) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    server = PageServer(make_view(tmp_path, ManualClock(), PageSettings(enabled=True, host=host, port=free_port())))
    server.start()
    bound = server.wait_until_bound(60)
    assert bound is not None
    try:
        for address in ("::1", "127.0.0.1") if host == "::" else ("::1",):
            connection = http.client.HTTPConnection(address, bound, timeout=60)
            connection.request("GET", "/about")
            assert connection.getresponse().status == 200
            connection.close()
    finally:
        server.stop()


def test_nonsense_over_the_wire_takes_nothing_down(port: int) -> None:
    for nonsense in (b"\x00\xff" * 200, b"GET / HTTP/9.9\r\n\r\n", b"GET /%00%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as odd:
            odd.sendall(nonsense)
            odd.shutdown(socket.SHUT_WR)
            odd.recv(100)
    assert get(port)[0] == 200
