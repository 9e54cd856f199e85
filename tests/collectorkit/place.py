"""A whole collector with a broker of its own, and clients that speak to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import ManualClock, SystemClock
from aldea.model.messages import Ack, parse_ack
from aldea.model.series import Query
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import make_register
from collectorkit.sender import Sender
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.collector.turn import Incoming
    from aldea.storage.register import Register


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
