"""The sized object and the POST that agents test against: open to all, bounded, nothing kept, nothing compressed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from fastapi import FastAPI
from httpx import Client
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from aldea.agents.probes.throughput.http_test import HttpTest
from aldea.agents.probes.throughput.outcome import Direction, Limits
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.routes import throughput
from aldea.dashboard_api.routes.throughput import LARGEST_BYTES, Places
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.model.failures import Failure
from dashboard_api.village import NOW_MS, Village
from rigs.waiting import eventually

LIMITS = Limits(wire_bytes=4_000_000, seconds=8.0, flows=4, connect_seconds=30.0)


@pytest.fixture
def app(empty: Village) -> FastAPI:
    return create_app(empty.register, empty.series, ManualClock(NOW_MS), ApiSettings())


@pytest.fixture
def open_to_all(app: FastAPI) -> Iterator[Client]:
    server = serve(app, port=0)
    with Client(base_url=server.url, timeout=60) as client:
        yield client
    server.stop()


def test_an_object_has_just_the_size_asked_for_and_is_not_compressed(open_to_all: Client) -> None:
    answer = open_to_all.get("/api/v1/throughput/123456", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert len(answer.content) == 123_456
    assert answer.headers["content-encoding"] == "identity"
    assert answer.headers["content-length"] == "123456"
    assert "no-store" in answer.headers["cache-control"]


def test_a_body_is_counted_and_thrown_away(open_to_all: Client) -> None:
    answer = open_to_all.post("/api/v1/throughput", content=b"x" * 70_000)
    assert (answer.status_code, answer.json()) == (200, {"received_bytes": 70_000})


def test_more_than_the_largest_size_is_refused_in_words(open_to_all: Client) -> None:
    got = open_to_all.get(f"/api/v1/throughput/{LARGEST_BYTES + 1}")
    assert got.status_code == 400
    assert got.headers["content-type"] == "application/problem+json"
    connection = HTTPConnection(open_to_all.base_url.host, open_to_all.base_url.port)
    connection.putrequest("POST", "/api/v1/throughput")
    connection.putheader("Content-Length", str(LARGEST_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_when_all_places_are_taken_it_says_when_to_come_again(app: FastAPI, open_to_all: Client) -> None:
    places = app.state.throughput_places = Places(1)
    assert places.take("another")
    for answer in (open_to_all.get("/api/v1/throughput/10"), open_to_all.post("/api/v1/throughput", content=b"1")):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        assert answer.headers["content-type"] == "application/problem+json"
    outcome = HttpTest(f"{open_to_all.base_url}/api/v1/throughput/{{bytes}}", Direction.DOWN, LIMITS, None).run()
    assert outcome.failure is Failure.SERVER_BUSY
    places.leave("another")
    _until_it_answers(open_to_all)


def _until_it_answers(client: Client) -> None:
    """Ask until the place is free: what was given up a moment ago may be on its way still."""
    eventually(lambda: client.get("/api/v1/throughput/10").status_code == 200)


def test_a_place_is_given_back_after_each_test_also_one_that_was_cut(app: FastAPI, open_to_all: Client) -> None:
    app.state.throughput_places = Places(1)
    with open_to_all.stream("GET", f"/api/v1/throughput/{LARGEST_BYTES}") as answer:
        assert answer.status_code == 200
    _until_it_answers(open_to_all)
    assert [open_to_all.post("/api/v1/throughput", content=b"1").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("direction", list(Direction))
def test_the_agents_own_test_runs_against_it(open_to_all: Client, direction: Direction) -> None:
    address = f"{open_to_all.base_url}/api/v1/throughput" + ("/{bytes}" if direction is Direction.DOWN else "")
    outcome = HttpTest(address, direction, LIMITS, None).run()
    assert outcome.failure is None
    assert outcome.bits_per_second is not None
    assert 0 < outcome.body_bytes <= LIMITS.wire_bytes
    assert LIMITS.flows <= throughput.MOST_AT_ONCE


def test_one_address_alone_gets_half_and_whoever_comes_next_finds_room() -> None:
    places = Places(32)
    assert [places.take("a") for _ in range(40)].count(True) == 16
    assert [places.take("b") for _ in range(40)].count(True) == 8
    assert all(places.take("c") for _ in range(4)), "four flows of one test"
    for _ in range(16):
        places.leave("a")
    assert [places.take("c") for _ in range(40)].count(True) == 8, "what was given back is there for all"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=200))
def test_however_many_ask_nobody_holds_more_than_were_free_and_no_place_is_lost(asked: list[tuple[bool, int]]) -> None:
    places, held = Places(32), Counter[int]()
    for takes, number in asked:
        free = 32 - held.total()
        if takes:
            assert places.take(str(number)) is (held[number] < free)
            held[number] += held[number] < free
        elif held[number]:
            places.leave(str(number))
            held[number] -= 1
    for number, count in held.items():
        for _ in range(count):
            places.leave(str(number))
    assert [places.take("a") for _ in range(40)].count(True) == 16


def test_one_address_that_holds_its_share_is_told_and_another_is_not(app: FastAPI, open_to_all: Client) -> None:
    places = app.state.throughput_places = Places(32)
    while places.take("127.0.0.1"):
        pass
    assert open_to_all.get("/api/v1/throughput/10").status_code == 503
    places.leave("127.0.0.1")
    assert open_to_all.get("/api/v1/throughput/10").status_code == 200


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
    ],
)
def test_of_an_address_of_version_6_the_whole_network_counts(address: str, whose: str) -> None:
    assert throughput._who(Request({"type": "http", "client": (address, 1)})) == whose
