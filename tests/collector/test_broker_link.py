"""The collector's connection to its broker: killed, standing still, refused, sent garbage."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from aldea.collector.mqtt import BrokerAddress, BrokerLink
from aldea.model.clock import SystemClock
from collectorkit.place import Place
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.mosquitto


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


@contextmanager
def _played_broker(granted: bytes) -> Iterator[tuple[BrokerLink, socket.socket]]:
    """A link to a broker that is played here, byte by byte, and that answers its subscriptions so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = BrokerLink(BrokerAddress(port=server.getsockname()[1]), "c", SystemClock())
        link.start()
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"\x20\x02\x00\x00")
            connection.recv(1000)
            connection.sendall(b"\x90\x05\x00\x01" + granted)
            yield link, connection
        link.stop()


def test_a_topic_that_is_not_utf8_is_kept_and_the_reading_thread_lives() -> None:
    # Mosquitto refuses such a topic.
    with _played_broker(b"\x00\x01\x01") as (link, connection):
        connection.sendall(b"\x30\x06\x00\x03a/\xffx" + b"\x30\x06\x00\x03a/bx")
        (first, *rest) = link.inbox.take(1, 2**20, 60)
        assert first.topic == "(a topic that is not UTF-8)"
        (second,) = rest or link.inbox.take(1, 2**20, 60)
        assert second.topic == "a/b"


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


def test_a_broker_that_grants_no_subscription_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with _played_broker(b"\x80\x80\x80") as (link, _):
        eventually(lambda: "refused the subscriptions" in caplog.text)
        assert not link.connected


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
