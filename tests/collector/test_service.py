"""The whole collector against a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aldea.collector.service import Collector
from aldea.model.clock import ManualClock, SystemClock
from aldea.model.series import Query, StoreUnavailable
from aldea.model.topics import Lane
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import read_feed
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.bad_input import WHOLE_MESSAGES
from collectorkit.desk import make_register
from collectorkit.place import Client, Place
from collectorkit.sender import Sender
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.collector.turn import Incoming

pytestmark = pytest.mark.mosquitto


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
