"""The live stream: resumed, bounded, and ended in time."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.live import Broadcaster, LiveEvent, TooManyClients
from aldea.dashboard_api.server import CannotServe, HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from dashboard_api.village import MINUTE, NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = ApiSettings(demo_admin=True, poll_seconds=0.05, stream_clients=2)


class Reader:
    """A client of the stream over a real socket."""

    def __init__(self, server: HttpServer, query: str = "", last_id: str | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        self.connection.request("GET", f"/api/v1/stream{query}", headers=headers)
        self.response = self.connection.getresponse()

    def event(self) -> dict[str, Any]:
        """The next event: its name, id and data."""
        found: dict[str, Any] = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if not line and "event" in found:
                return found
            name, _, value = line.partition(": ")
            if name in {"event", "id"}:
                found[name] = value
            elif name == "data":
                found["data"] = json.loads(value)

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@pytest.fixture
def server(empty: Village, clock: ManualClock) -> Iterator[HttpServer]:
    empty.add_sites(2)
    running = serve(create_app(empty.register, empty.series, clock, SETTINGS), port=0)
    yield running
    running.stop()


def test_a_batch_reaches_the_clients_with_the_sites_new_state(server: HttpServer, empty: Village) -> None:
    reader = Reader(server)
    reader.response.readline()
    empty.hear("sitio-01", NOW_MS - 1000)
    batch, site = reader.event(), reader.event()
    assert (batch["event"], batch["data"]["site"], batch["data"]["rows"]) == ("batch", "sitio-01", 10)
    assert (site["event"], site["data"]["state"], site["data"]["last_seen"]) == ("site", "up", "2026-11-22T16:59:59Z")
    assert batch["id"] == site["id"] == "1"
    reader.close()


def test_a_client_that_returns_gets_what_it_missed_once(server: HttpServer, empty: Village) -> None:
    for second in range(3):
        empty.hear("sitio-01", NOW_MS - 5000 + second * 1000)
    first = Reader(server)
    first.response.readline()
    empty.hear("sitio-02", NOW_MS)
    while first.event()["data"]["site"] != "sitio-02":
        pass
    first.close()
    again = Reader(server, last_id="1")
    seen = [again.event() for _ in range(5)]
    assert [event["id"] for event in seen if event["event"] == "batch"] == ["2", "3", "4"]
    assert {event["data"]["site"] for event in seen if event["event"] == "site"} == {"sitio-01", "sitio-02"}
    again.close()


def test_only_the_site_that_was_asked_for(server: HttpServer, empty: Village) -> None:
    reader = Reader(server, "?site=sitio-02")
    reader.response.readline()
    empty.hear("sitio-01", NOW_MS)
    empty.hear("sitio-02", NOW_MS)
    assert reader.event()["data"]["site"] == "sitio-02"
    reader.close()


def test_an_id_that_was_never_given_means_start_afresh(server: HttpServer) -> None:
    reader = Reader(server, last_id="999")
    assert reader.event()["event"] == "reset"
    reader.close()
    refused = Reader(server, last_id="abc")
    assert refused.response.status == 400
    refused.close()


def test_silence_is_told_too(server: HttpServer, empty: Village, clock: ManualClock) -> None:
    reader = Reader(server)
    reader.response.readline()
    empty.hear("sitio-01", NOW_MS)
    assert [reader.event()["event"] for _ in range(2)] == ["batch", "site"]
    clock.advance(20 * MINUTE)
    told = reader.event()
    assert (told["event"], told["data"]["state"], "id" in told) == ("site", "down", False)
    reader.close()


def test_one_client_too_many_is_told_so(server: HttpServer) -> None:
    readers = [Reader(server) for _ in range(3)]
    assert [reader.response.status for reader in readers] == [200, 200, 503]
    assert json.loads(readers[2].response.read())["status"] == 503
    for reader in readers:
        reader.close()


@pytest.mark.alone
def test_the_server_stops_within_two_seconds_with_clients_connected(empty: Village, clock: ManualClock) -> None:
    running = serve(create_app(empty.register, empty.series, clock, SETTINGS), port=0)
    readers = [Reader(running) for _ in range(2)]
    ended = threading.Event()

    def drain() -> None:
        readers[0].response.read()
        ended.set()

    thread = threading.Thread(target=drain)
    thread.start()
    began = time.perf_counter()
    running.stop()
    assert time.perf_counter() - began < 2
    assert ended.wait(60), "the client's stream ended in order"
    thread.join()
    for reader in readers:
        reader.close()


def test_a_slow_client_is_let_go_and_the_others_are_not(empty: Village, clock: ManualClock) -> None:
    async def story() -> None:
        live = Broadcaster(empty.register, clock, ApiSettings(stream_queue=4))
        slow, quick = live.subscribe(None), live.subscribe(None)
        for number in range(5):
            live._hand_out([LiveEvent("batch", "x", "{}", number)])
            assert quick.queue.get_nowait() is not None
        assert slow.ended
        assert slow.queue.qsize() == 1, "what waited is dropped, the end is left"
        assert slow.queue.get_nowait() is None
        assert live.dropped == 1
        assert not quick.ended

    asyncio.run(story())


def test_nobody_is_taken_in_while_it_closes(empty: Village, clock: ManualClock) -> None:
    async def story() -> None:
        live = Broadcaster(empty.register, clock, SETTINGS)
        live.close()
        with pytest.raises(TooManyClients):
            live.subscribe(None)

    asyncio.run(story())


def test_a_quiet_stream_gives_signs_of_life(empty: Village, clock: ManualClock) -> None:
    async def story() -> None:
        live = Broadcaster(empty.register, clock, ApiSettings(heartbeat_seconds=0.02))
        stream = live.follow(live.subscribe(None), None)
        assert (await anext(stream)).startswith("retry:")
        assert await anext(stream) == ": alive\n\n"
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        assert live.clients == 0

    asyncio.run(story())


def test_a_port_that_is_taken_gets_a_sentence(server: HttpServer, empty: Village, clock: ManualClock) -> None:
    app = create_app(empty.register, empty.series, clock, SETTINGS)
    with pytest.raises(CannotServe, match="ALDEA_HTTP_PORT"):
        serve(app, port=server.port)


def test_what_is_still_to_be_handed_out_is_not_sent_twice(empty: Village, clock: ManualClock) -> None:
    async def story() -> None:
        empty.add_sites(1)
        empty.hear("sitio-01", NOW_MS - 3000)
        empty.hear("sitio-01", NOW_MS - 2000)
        live = Broadcaster(empty.register, clock, SETTINGS)
        await live.prime()
        client = live.subscribe(None)
        empty.hear("sitio-01", NOW_MS - 1000)
        missed = live._missed(client, 1)
        assert [event.id for event in missed if event.name == "batch"] == [2]

    asyncio.run(story())
