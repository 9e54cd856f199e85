"""Foreign publishers, a real broker, the whole collector: stored once, whatever crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from aldea.model.clock import SystemClock
from collector.foreign.listening import SOURCES, Place
from rigs.waiting import eventually

pytestmark = pytest.mark.mosquitto
TOML = """
[[collector.foreign]]
topic = "v/{site}/{device}"
decoder = "value"
measurement = "weather"
field = "v"
"""
DIES_BEFORE_PUBACK = (
    "import os, sys; from aldea.collector.__main__ import main; from aldea.collector.foreign.link import ForeignLink;"
    "ForeignLink.acknowledge = lambda *_: os.kill(os.getpid(), 9); sys.exit(main())"
)


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
