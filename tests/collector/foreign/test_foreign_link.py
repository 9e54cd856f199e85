"""The session with the broker that foreign publishers' messages come by, and how they wait for the journal."""

from __future__ import annotations

import socket
import threading
from typing import Any

import paho.mqtt.client as paho
import pytest

from aldea.collector.foreign.link import ANSWER_MS, RECEIVE_MAXIMUM, SESSION_SECONDS, ForeignLink
from aldea.collector.inbox import Inbox
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import ManualClock
from collector.foreign.listening import Place
from rigs.waiting import eventually

pytestmark = pytest.mark.mosquitto


def hold(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let nothing into the journal until the event is set."""
    go, real = threading.Event(), collector._ingestor.take

    def take(messages: Any) -> Any:
        assert go.wait(120)
        return real(messages)

    monkeypatch.setattr(collector._ingestor, "take", take)
    return go


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
