"""Foreign publishers, a real broker, the whole collector: stored once, whatever crashes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aldea.collector.foreign.link import ANSWER_MS, RECEIVE_MAXIMUM, SESSION_SECONDS, ForeignLink
from aldea.collector.foreign.settings import ForeignSource
from aldea.collector.inbox import Inbox
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import ManualClock, SystemClock
from aldea.model.series import Query
from aldea.storage.register.devices import Device, enrol_device
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import make_register
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.mosquitto

SOURCES = (
    ForeignSource(topic="j/{site}/{device}", decoder="json", measurement="weather", time_key="t"),
    ForeignSource(topic="v/{site}/{device}", decoder="value", measurement="weather", field="v"),
)
TOML = """
[[collector.foreign]]
topic = "v/{site}/{device}"
decoder = "value"
measurement = "weather"
field = "v"
"""
KEEPS = ["max_queued_messages 100000", "max_inflight_messages 0"]
DIES_BEFORE_PUBACK = (
    "import os, sys; from aldea.collector.__main__ import main; from aldea.collector.foreign.link import ForeignLink;"
    "ForeignLink.acknowledge = lambda *_: os.kill(os.getpid(), 9); sys.exit(main())"
)


class Place:
    """A collector on a folder, with its broker and stores; norte-01 has a meter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder / "broker", KEEPS).start()
        self.register = make_register(folder, "norte-01")
        with self.register.transaction() as unit:
            enrol_device(unit, Device("norte-01", "meter", "sensor", 0, is_primary=False))
        self.store = SqliteSeriesStore(folder / "series.db")
        self.collector: Collector | None = None

    def start(self, sources: Sequence[ForeignSource] = SOURCES) -> Collector:
        address = BrokerAddress(port=self.broker.port)
        made = Collector("main", self.folder, address, self.register, self.store, SystemClock(), foreign=sources)
        self.collector = made
        made.start()
        eventually(lambda: made.status().connected and made.status().series_error is None)
        return made

    def stop(self) -> None:
        assert self.collector is not None
        self.collector.stop()
        self.collector = None

    def publish(self, payloads: Iterable[object], topic: str = "v/norte-01/meter", *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait until the broker has acknowledged."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(1000)
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        for info in [client.publish(topic, str(payload), 1, retain) for payload in payloads]:
            info.wait_for_publish(60)
            assert info.is_published()
        client.disconnect()
        client.loop_stop()

    def values(self) -> list[int]:
        found = self.store.read(Query("norte-01", "weather", "v", -(2**60), 2**60))
        return sorted(int(value) for series in found for value in series.values)

    def counter(self, name: str) -> int:
        assert self.collector is not None
        return self.collector.status().counters.get(name, 0)

    def quarantine(self) -> dict[str, int]:
        assert self.collector is not None
        return dict(self.collector.status().quarantine)

    def close(self) -> None:
        if self.collector is not None:
            self.collector.stop()
        self.store.close()
        self.register.close()
        self.broker.stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def hold(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let nothing into the journal until the event is set."""
    go, real = threading.Event(), collector._ingestor.take

    def take(messages: Any) -> Any:
        assert go.wait(120)
        return real(messages)

    monkeypatch.setattr(collector._ingestor, "take", take)
    return go


def test_what_others_publish_is_stored_once_beside_what_agents_send(place: Place) -> None:
    place.start()
    place.publish([1, 2, "unavailable", 3])
    place.publish([f'{{"t":{SystemClock().wall_ms() / 1000},"v":4}}'] * 3, "j/norte-01/meter")
    place.publish([99], "v/norte-01/meter", retain=True)
    eventually(lambda: place.values() == [1, 2, 3, 4, 99])
    eventually(lambda: place.counter("foreign_duplicates") == 2)
    assert place.quarantine() == {"no_fields": 1}


def test_what_is_published_while_the_collector_is_away_arrives_later(place: Place) -> None:
    place.start()
    place.publish([1])
    eventually(lambda: place.values() == [1])
    place.stop()
    place.publish(range(2, 1202))
    place.start()
    eventually(lambda: place.values() == list(range(1, 1202)))
    assert place.counter("foreign_duplicates") == 0


def test_killed_between_commit_and_puback_it_stores_once(place: Place) -> None:
    place.start()
    place.stop()  # the session is there now
    (place.folder / "aldea.toml").write_text(TOML, encoding="utf-8")
    environment = {**os.environ, "ALDEA_DATA": str(place.folder), "ALDEA_MQTT_PORT": str(place.broker.port)}
    place.publish([7, 7, 8, "poison"])
    process = subprocess.Popen([sys.executable, "-c", DIES_BEFORE_PUBACK], cwd=place.folder, env=environment)
    try:
        assert process.wait(60) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    place.start()
    place.publish([9])
    eventually(lambda: place.values() == [7, 7, 8, 9])
    # As many as were in the group whose commit was the last act.
    assert 1 <= place.counter("foreign_duplicates") <= 4
    assert place.quarantine() == {"malformed": 1}


def test_acknowledgements_of_a_connection_that_ended_are_never_sent(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = place.start()
    go = hold(collector, monkeypatch)
    sent: list[int] = []
    real = paho.Client.ack

    def ack(client: paho.Client, mid: int, qos: int) -> Any:
        sent.append(mid)
        return real(client, mid, qos)

    monkeypatch.setattr(paho.Client, "ack", ack)
    place.publish([1, 2, 3])
    eventually(lambda: len(collector._link.inbox) + len(collector._group) == 3)
    place.broker.kill()
    assert collector._foreign is not None
    link = collector._foreign
    eventually(lambda: not link.connected)
    place.broker.start()
    eventually(lambda: link.connected)
    place.publish([4, 5, 6])
    eventually(lambda: len(collector._link.inbox) + len(collector._group) == 6)
    assert sent == []
    go.set()
    eventually(lambda: place.values() == [1, 2, 3, 4, 5, 6])
    eventually(lambda: len(sent) == 3)
    eventually(lambda: place.counter("foreign_stale_acks") == 3)


def test_thousands_of_messages_that_wait_for_the_journal_stall_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = place.start()
    go = hold(collector, monkeypatch)
    place.publish(range(5_000))
    eventually(lambda: len(collector._link.inbox) + len(collector._group) == RECEIVE_MAXIMUM)
    go.set()
    eventually(lambda: place.values() == list(range(5_000)))


def test_poison_is_put_aside_once_and_does_not_come_again(place: Place) -> None:
    place.start()
    place.publish(["poison", 1, "", 2])
    eventually(lambda: place.values() == [1, 2])
    place.stop()
    collector = place.start()
    place.publish([3])
    eventually(lambda: place.values() == [1, 2, 3])
    eventually(lambda: place.counter("foreign_messages") == 5)
    assert collector.status().quarantine == {"malformed": 1, "no_fields": 1}


def test_a_topic_that_left_the_settings_comes_no_more(place: Place) -> None:
    place.start()
    place.stop()
    place.start(SOURCES[1:])
    place.publish(['{"v":1}'], "j/norte-01/meter")
    place.publish([2])
    eventually(lambda: place.values() == [2])
    eventually(lambda: place.counter("foreign_messages") == 1)


def test_nothing_is_there_without_foreign_sources(place: Place) -> None:
    collector = place.start(())
    place.publish([1])
    assert not any(name.startswith("foreign") for name in collector.status().counters)
    assert "aldea-foreign" not in {thread.name for thread in threading.enumerate()}


def _has_ended(connection: socket.socket, clock: ManualClock) -> bool:
    clock.advance(ANSWER_MS + 1)
    try:
        return connection.recv(1000) == b""
    except BlockingIOError:
        return False


@pytest.mark.parametrize("answer", [b"\x20\x02\x00\x01", b"", None], ids=["refuses", "hangs up", "says nothing"])
def test_it_asks_for_a_kept_session_by_mqtt_5_and_then_by_3(answer: bytes | None) -> None:
    clock = ManualClock()
    # Mosquitto speaks both, so a broker that knows 3.1.1 alone is played here, byte by byte.
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        link = ForeignLink(BrokerAddress(port=server.getsockname()[1]), "c", clock, Inbox(), ["v/#"])
        link.start()
        first, _ = server.accept()
        with first:
            asked = first.recv(1000)
            if answer is None:
                first.setblocking(False)
                eventually(lambda: _has_ended(first, clock))
            else:
                first.sendall(answer)
        assert asked[8] == 5
        assert not asked[9] & 2, "the session must not be wiped"
        assert b"\x11" + SESSION_SECONDS.to_bytes(4) in asked
        assert b"\x21" + RECEIVE_MAXIMUM.to_bytes(2) in asked
        second, _ = server.accept()
        with second:
            asked = second.recv(1000)
            assert (asked[8], asked[9] & 2) == (4, 0)
            second.sendall(b"\x20\x02\x01\x00")
            second.recv(1000)
            second.sendall(b"\x90\x03\x00\x01\x01")
            eventually(lambda: link.connected)
        link.stop()
