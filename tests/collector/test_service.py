"""The whole collector against a real broker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aldea.collector.mqtt import BrokerAddress, BrokerLink
from aldea.collector.service import Collector
from aldea.model.clock import ManualClock, SystemClock
from aldea.model.messages import Ack, parse_ack
from aldea.model.series import Query, StoreUnavailable
from aldea.model.topics import Lane
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import read_feed
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.bad_input import WHOLE_MESSAGES
from collectorkit.desk import make_register
from collectorkit.sender import Sender
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.collector.turn import Incoming
    from aldea.storage.register import Register

pytestmark = pytest.mark.mosquitto


class Client:
    """Publishes what agents say, and hears the answers."""

    def __init__(self, port: int) -> None:
        self.acks: list[tuple[str, Ack]] = []
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        self._client.on_connect = lambda client, *_: client.subscribe("aldea/1/+/+/ack")
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(60)

    def publish(self, message: Incoming, qos: int = 1, *, retain: bool = False) -> None:
        self._client.publish(message.topic, message.payload, qos, retain).wait_for_publish(60)

    def stored(self, epoch: str) -> set[int]:
        """Return every seq of an epoch that was acknowledged as stored."""
        acks = [ack for _, ack in self.acks if ack.epoch == epoch]
        return {seq for ack in acks for first, last in ack.stored for seq in range(first, last + 1)}

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self.acks.append((message.topic, parse_ack(bytes(message.payload))))


class Place:
    """A collector on a folder, with its broker, stores and an agent's voice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder / "broker").start()
        self.register: Register = make_register(folder, "norte-01", "sur-02")
        self.store = SqliteSeriesStore(folder / "series.db")
        self.collector = self.make_collector()
        # The agent's clock is the real time, standing still; the collector's is the real one.
        clock = SystemClock()
        self.norte = Sender(ManualClock(clock.wall_ms(), 10_000_000))
        self.clients: list[Client] = []

    def make_collector(self) -> Collector:
        address = BrokerAddress(port=self.broker.port, keepalive_seconds=1)
        return Collector("main", self.folder / "data", address, self.register, self.store, SystemClock())

    def start(self) -> Place:
        self.collector.start()
        eventually(lambda: self.collector.status().connected)
        return self

    def client(self) -> Client:
        self.clients.append(Client(self.broker.port))
        return self.clients[-1]

    def rows(self) -> int:
        found = self.store.read(Query("norte-01", "ping", "sent", -(2**60), 2**60))
        return sum(len(series.times_ms) for series in found)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.collector.stop()
        self.store.close()
        self.register.close()
        self.broker.stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("aldea-")}


def _positions(collector: Collector) -> tuple[int, int, int]:
    status = collector.status()
    return status.journal_position, status.series_position, status.feed_position


def test_what_an_agent_publishes_is_acknowledged_stored_and_told(place: Place) -> None:
    client = place.start().client()
    client.publish(place.norte.birth(0), retain=True)
    eventually(lambda: client.acks)
    client.publish(place.norte.batch(1, 50, Lane.BULK))
    client.publish(place.norte.batch(51, 60), qos=0)
    eventually(lambda: client.stored(place.norte.epoch) == set(range(1, 61)))
    eventually(lambda: place.rows() == 60)
    eventually(lambda: _positions(place.collector) == (3, 3, 3))
    with place.register.reading() as unit:
        assert [event.kind for event in read_feed(unit, "main", 0, 10)] == ["presence", "batch", "batch"]
    status = place.collector.status()
    assert status.connected
    assert status.series_error is None
    assert status.counters["rows_stored"] == 60
    assert abs((status.last_commit_ms or 0) - SystemClock().wall_ms()) < 60_000
    names = _threads()
    assert {"aldea-ingest", "aldea-series", "aldea-feed", "aldea-mqtt"} <= names


def test_stop_ends_every_thread_and_leaves_a_last_report(tmp_path: Path) -> None:
    before = _threads()
    place = Place(tmp_path).start()
    place.collector.stop()
    assert _threads() == before
    with place.register.reading() as unit:
        (status,) = collector_statuses(unit)
    assert not status.connected
    place.collector = place.make_collector()
    place.close()


def test_a_broker_that_is_killed_and_comes_back_is_subscribed_again(place: Place) -> None:
    client = place.start().client()
    client.publish(place.norte.batch(1, 10))
    eventually(lambda: client.stored(place.norte.epoch) == set(range(1, 11)))
    for turn in range(1, 4):
        place.broker.kill()
        eventually(lambda: not place.collector.status().connected)
        place.broker.start()
        eventually(lambda: place.collector.status().connected)
        client = place.client()
        client.publish(place.norte.batch(1 + turn * 10, 10 + turn * 10))
        eventually(lambda client=client, turn=turn: client.stored(place.norte.epoch) >= {10 + turn * 10})  # type: ignore[misc]  # bound now
    eventually(lambda: place.rows() == 40)


def test_a_broker_that_stands_still_with_its_connections_open_is_noticed_by_keepalive(place: Place) -> None:
    place.start()
    place.broker.process.pause()
    eventually(lambda: not place.collector.status().connected)
    place.broker.process.resume()
    eventually(lambda: place.collector.status().connected)


def test_a_store_that_breaks_stops_neither_ingest_nor_itself_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = place.store.write
    broken = threading.Event()

    def write(batches: Any) -> None:
        if broken.is_set():
            raise StoreUnavailable("the disk is on fire")
        real(batches)

    monkeypatch.setattr(place.store, "write", write)
    broken.set()
    client = place.start().client()
    client.publish(place.norte.batch(1, 10))
    eventually(lambda: client.stored(place.norte.epoch) == set(range(1, 11)))
    eventually(lambda: "the disk is on fire" in (place.collector.status().series_error or ""))
    assert place.rows() == 0
    broken.clear()
    eventually(lambda: place.rows() == 10)
    eventually(lambda: place.collector.status().series_error is None)


def test_a_group_whose_commit_fails_is_taken_once_the_journal_works_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    real, failures = place.collector._ingestor.take, [2]

    def take(messages: Any) -> Any:
        if failures[0]:
            failures[0] -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return real(messages)

    monkeypatch.setattr(place.collector._ingestor, "take", take)
    client = place.start().client()
    client.publish(place.norte.birth(0))
    eventually(lambda: client.acks)
    assert place.collector.status().counters["messages"] == 1


def test_what_is_answered_is_counted_already(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real, counted = place.collector._link.answer, []

    def answer(acks: Any) -> None:
        status = place.collector.status()
        counted.append((status.counters["messages"], status.counters["rows_stored"], status.quarantine))
        real(acks)

    monkeypatch.setattr(place.collector._link, "answer", answer)
    client = place.start().client()
    client.publish(place.norte.batch(1, 10))
    eventually(lambda: client.stored(place.norte.epoch) == set(range(1, 11)))
    client.publish(WHOLE_MESSAGES[0].make(place.norte))
    eventually(lambda: len(counted) == 2)
    assert counted == [(1, 10, {}), (2, 10, {WHOLE_MESSAGES[0].reason: 1})]


def test_bad_messages_over_the_broker_are_kept_once_each_and_good_ones_go_on(place: Place) -> None:
    client = place.start().client()
    # Topics that the subscriptions do not match never come.
    kinds = [bad for bad in WHOLE_MESSAGES if bad.reason != "bad_topic"]
    messages = [bad.make(place.norte.but(epoch=f"{number:016x}")) for number, bad in enumerate(kinds)]
    other = place.norte.but(epoch="cccccccccccccccc")
    for number, message in enumerate(messages, start=1):
        for _ in range(3):
            client.publish(message, qos=0)
        client.publish(other.batch(number, number))
    eventually(lambda: client.stored(other.epoch) == set(range(1, len(messages) + 1)))
    eventually(lambda: place.collector.status().quarantine == Counter(bad.reason for bad in kinds))

    def answered() -> tuple[set[str], set[str]]:
        refused = {reason for _, ack in client.acks for _, reason in ack.refused}
        return refused, {reason for _, ack in client.acks for _, _, reason in ack.rejected}

    wanted = {"malformed", "unknown_version", "not_finite", "too_large", "wrong_site", "invalid_header"}
    eventually(lambda: answered() == (wanted, {"time_future", "time_absurd"}))
    assert place.collector.status().connected


def test_a_topic_that_is_not_utf8_is_kept_and_the_reading_thread_lives(tmp_path: Path) -> None:
    # Mosquitto refuses such a topic, so a broker that does not care is played here, byte by byte.
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = BrokerLink(BrokerAddress(port=server.getsockname()[1]), "c", SystemClock())
        link.start()
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"\x20\x02\x00\x00")
            connection.recv(1000)
            connection.sendall(b"\x90\x05\x00\x01\x00\x01\x01")
            connection.sendall(b"\x30\x06\x00\x03a/\xffx" + b"\x30\x06\x00\x03a/bx")
            (first, *rest) = link.inbox.take(1, 2**20, 60)
            assert first.topic == "(a topic that is not UTF-8)"
            (second,) = rest or link.inbox.take(1, 2**20, 60)
            assert second.topic == "a/b"
        link.stop()


def test_no_connection_to_a_broker_that_is_not_there_or_has_no_name(caplog: pytest.LogCaptureFixture) -> None:
    for address in (BrokerAddress(port=free_port()), BrokerAddress(host="nowhere.invalid")):
        link = BrokerLink(address, "c", SystemClock())
        link.start()
        eventually(lambda address=address: address.host in caplog.text)  # type: ignore[misc]  # bound now
        assert not link.connected
        link.stop()


def test_a_broker_that_refuses_the_collector_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "passwords").write_text("")
    locked = ["allow_anonymous false", f"password_file {tmp_path / 'passwords'}"]
    broker = Mosquitto(tmp_path / "locked", locked)
    broker.accepts_clients = lambda: _listens(broker.port)  # type: ignore[method-assign]  # it accepts none
    with broker:
        link = BrokerLink(BrokerAddress(port=broker.port), "c", SystemClock())
        link.start()
        eventually(lambda: caplog.text.count("refused the connection") >= 2)
        assert not link.connected
        link.stop()


def test_a_broker_that_grants_no_subscription_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = BrokerLink(BrokerAddress(port=server.getsockname()[1]), "c", SystemClock())
        link.start()
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"\x20\x02\x00\x00")
            connection.recv(1000)
            connection.sendall(b"\x90\x05\x00\x01\x80\x80\x80")
            eventually(lambda: "refused the subscriptions" in caplog.text)
            assert not link.connected
        link.stop()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_the_process_starts_stops_in_order_and_survives_sigkill(tmp_path: Path) -> None:
    make_register(tmp_path, "norte-01").close()
    sender = Sender(ManualClock(SystemClock().wall_ms(), 10_000_000))
    with Mosquitto(tmp_path / "broker") as broker:
        environment = {**os.environ, "ALDEA_DATA": str(tmp_path), "ALDEA_MQTT_PORT": str(broker.port)}
        client = Client(broker.port)
        for turn, end in enumerate((signal.SIGKILL, signal.SIGTERM)):
            process = subprocess.Popen([sys.executable, "-m", "aldea.collector"], cwd=tmp_path, env=environment)
            try:
                batch = sender.batch(1 + turn * 5, 5 + turn * 5)
                wanted = 5 + turn * 5

                def answered(batch: Incoming = batch, wanted: int = wanted) -> bool:
                    client.publish(batch)
                    time.sleep(0.1)
                    return wanted in client.stored(sender.epoch)

                eventually(answered)
                process.send_signal(end)
                assert process.wait(60) == (-9 if end == signal.SIGKILL else 0)
            finally:
                process.kill()
                process.wait()
        client.close()
    store = SqliteSeriesStore(tmp_path / "series.db")
    (series,) = store.read(Query("norte-01", "ping", "sent", -(2**60), 2**60))
    assert len(series.times_ms) == 10
    store.close()
