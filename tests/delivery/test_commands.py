"""Commands over a real broker, from the register to a real agent and back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agentkit.in_thread import Probe, ThreadBox
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.model.messages import encode_command
from aldea.model.series import Query
from aldea.storage.register.commands import DeviceCommand, find_command, message_of, queue_command
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import make_register
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

pytestmark = pytest.mark.mosquitto

CLOCK = SystemClock()
HOUR = 3_600_000
SITE, DEVICE = "norte-01", "agent"


class Place:
    """A broker's port, a register, a store, a collector, and a box that may be on or off."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.register = make_register(folder, SITE)
        self.store = SqliteSeriesStore(folder / "series.db")
        self.probe = Probe()
        self.box: ThreadBox | None = None
        self.collector = self._collector()
        self.collector.start()

    def _collector(self) -> Collector:
        address = BrokerAddress("127.0.0.1", self.port)
        return Collector("main", self.folder / "collector", address, self.register, self.store, CLOCK)

    def restart_collector(self) -> None:
        self.collector.stop()
        self.collector = self._collector()
        self.collector.start()

    def switch_on(self) -> None:
        self.box = ThreadBox(self.folder / "box", self.port, self.probe, SITE)

    def switch_off(self) -> None:
        if self.box is not None:
            self.box.stop()
            self.box = None

    def ask(self, kind: str, **payload: object) -> DeviceCommand:
        now = CLOCK.wall_ms()
        with self.register.transaction() as unit:
            return queue_command(unit, SITE, DEVICE, kind, payload, now, now + HOUR)

    def now(self, command: DeviceCommand) -> DeviceCommand:
        with self.register.reading() as unit:
            found = find_command(unit, command.id)
        assert found is not None
        return found

    def answered(self, command: DeviceCommand) -> DeviceCommand:
        eventually(lambda: self.now(command).state.is_over)
        return self.now(command)

    def rows(self) -> int:
        found = self.store.read(Query(SITE, "ping", "rtt_avg_seconds", 0, 2**60))
        return sum(len(series.times_ms) for series in found)

    def close(self) -> None:
        self.switch_off()
        self.collector.stop()
        self.store.close()
        self.register.close()


@pytest.fixture
def place(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Place]:
    made = Place(tmp_path, mosquitto.port)
    yield made
    made.close()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    client.publish(f"aldea/1/{SITE}/{DEVICE}/status", b"", 1, retain=True).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def test_a_test_now_brings_rows_into_the_store_and_an_answer_into_the_register(place: Place) -> None:
    place.switch_on()
    eventually(lambda: place.rows() == 1)
    found = place.answered(place.ask("test", probe="ping"))
    assert found.state == "done"
    assert found.answer["found"][0]["fields"]["rtt_avg_seconds"] == 0.5
    eventually(lambda: place.rows() == 2)
    assert place.probe.rounds == 2
    refused = place.answered(place.ask("test", probe="dance"))
    assert refused.state == "failed"
    assert refused.answer["sentence"].endswith("there are: ping")


def test_what_was_asked_of_a_silent_box_is_done_after_its_birth_though_the_collector_restarted(place: Place) -> None:
    diagnostics = place.ask("diagnostics")
    time.sleep(1.2)
    assert place.now(diagnostics).state == "waiting"
    place.restart_collector()
    place.switch_on()
    found = place.answered(diagnostics)
    assert found.state == "done"
    assert found.answer["versions"]["agent"] == "0.1"
    assert found.answer["boot"]["online"] is True
    assert found.answer["probes"][0]["name"] == "ping"


def test_the_same_command_many_times_is_carried_out_once_and_one_for_another_is_left(place: Place) -> None:
    place.switch_on()
    eventually(lambda: place.rows() == 1)
    asked = place.ask("test", probe="ping")
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", place.port)
    client.loop_start()
    for _ in range(5):
        client.publish(f"aldea/1/{SITE}/{DEVICE}/cmd", encode_command(message_of(asked)), 1).wait_for_publish(60)
    other = message_of(place.ask("test", probe="ping"))
    for topic in (f"aldea/1/sur-02/{DEVICE}/cmd", f"aldea/1/{SITE}/other/cmd", f"aldea/2/{SITE}/{DEVICE}/cmd"):
        client.publish(topic, encode_command(other), 1).wait_for_publish(60)
    client.publish(f"aldea/1/{SITE}/{DEVICE}/cmd", b"not a command", 1).wait_for_publish(60)
    assert place.answered(asked).state == "done"
    eventually(lambda: place.rows() == 3)
    time.sleep(0.3)
    assert place.probe.rounds == 3
    client.disconnect()
    client.loop_stop()


def test_after_a_restart_of_the_box_an_old_command_is_not_carried_out_again(place: Place) -> None:
    place.switch_on()
    eventually(lambda: place.rows() == 1)
    asked = place.ask("test", probe="ping")
    assert place.answered(asked).state == "done"
    place.switch_off()
    with place.register.transaction() as unit:
        from sqlalchemy import update

        from aldea.storage.register.tables import command

        unit.connection.execute(
            update(command).values(state="waiting", told_at_ms=None, answered_at_ms=None, answer=None)
        )
    place.switch_on()
    assert place.answered(asked).state == "done"
    assert place.probe.rounds == 3, "twice by the schedule at the two starts, once by hand"
