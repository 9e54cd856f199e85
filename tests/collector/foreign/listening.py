"""A collector that listens to foreign publishers, on a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.collector.foreign.settings import ForeignSource
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.model.series import Query
from aldea.storage.register.devices import Device, enrol_device
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import make_register
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SOURCES = (
    ForeignSource(topic="j/{site}/{device}", decoder="json", measurement="weather", time_key="t"),
    ForeignSource(topic="v/{site}/{device}", decoder="value", measurement="weather", field="v"),
)
KEEPS = ["max_queued_messages 100000", "max_inflight_messages 0"]


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
