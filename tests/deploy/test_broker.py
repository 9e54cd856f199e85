"""The broker that `aldea up` brings along: one contract, both kinds."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aldea.deploy.broker import BrokerError, start_broker
from aldea.deploy.broker import base as broker_base
from aldea.deploy.broker.mosquitto import MosquittoBroker, accepts_connections, find_mosquitto
from rigs.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aldea.deploy.broker import Broker
    from aldea.deploy.broker.base import BrokerKind

KINDS: tuple[BrokerKind, ...] = ("mosquitto", "amqtt")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> BrokerKind:
    """Each kind in turn."""
    chosen: BrokerKind = request.param
    if chosen == "mosquitto" and find_mosquitto() is None:
        pytest.fail("mosquitto is not installed: run make test, or apt-get install mosquitto")
    return chosen


@pytest.fixture
def broker(kind: BrokerKind, tmp_path: Path) -> Iterator[Broker]:
    """A started broker of each kind."""
    started = start_broker(tmp_path, free_port(), prefer=kind)
    yield started
    started.stop()


class Client:
    """A paho client that keeps what it receives."""

    def __init__(self, broker: Broker, client_id: str, *, will: tuple[str, bytes] | None = None) -> None:
        self.received: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self._subscribed = threading.Event()
        self.connected = threading.Event()
        self.lost = threading.Event()
        self.paho = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        self.paho.on_message = lambda _client, _data, message: self.received.put(message)
        self.paho.on_subscribe = lambda *_: self._subscribed.set()
        self.paho.on_connect = lambda *_: self.connected.set()
        self.paho.on_disconnect = lambda *_: self.lost.set()
        if will is not None:
            self.paho.will_set(will[0], will[1], qos=1, retain=True)
        self.paho.connect(broker.host, broker.port, keepalive=30)
        self.paho.loop_start()
        assert self.connected.wait(60), "the broker did not accept the connection"

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        self._subscribed.clear()
        self.paho.subscribe(topic_filter, qos)
        assert self._subscribed.wait(60), "the broker did not acknowledge the subscription"

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> None:
        self.paho.publish(topic, payload, qos, retain).wait_for_publish(60)

    def next(self) -> mqtt.MQTTMessage:
        return self.received.get(timeout=60)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.fixture
def connect(broker: Broker) -> Iterator[Callable[..., Client]]:
    """Connect clients that are closed at the end."""
    clients: list[Client] = []

    def _connect(client_id: str, **options: tuple[str, bytes] | None) -> Client:
        client = Client(broker, client_id, **options)
        clients.append(client)
        return client

    yield _connect
    for client in clients:
        client.close()


@pytest.mark.parametrize("qos", [0, 1])
def test_what_one_client_publishes_every_subscriber_receives(connect: Callable[..., Client], qos: int) -> None:
    first, second, sender = connect("first"), connect("second"), connect("sender")
    for subscriber in (first, second):
        subscriber.subscribe("aldea/1/+/+/live", qos)

    for number in range(50):
        sender.publish("aldea/1/a-site/box/live", str(number).encode(), qos)
    sender.publish("elsewhere", b"not asked for", qos)
    sender.publish("aldea/1/a-site/box/live", b"last", qos)

    for subscriber in (first, second):
        messages = [subscriber.next() for _ in range(51)]
        assert [message.payload for message in messages] == [*(str(n).encode() for n in range(50)), b"last"]
        assert {message.qos for message in messages} == {qos}


def test_a_retained_message_meets_later_subscribers_until_it_is_cleared(
    connect: Callable[..., Client],
) -> None:
    sender = connect("sender")
    # What the sender hears back the broker has dealt with; an acknowledgement alone does not say that.
    sender.subscribe("aldea/1/+/+/status")
    sender.publish("aldea/1/a-site/box/status", b"birth", 1, retain=True)
    assert sender.next().payload == b"birth"

    late = connect("late")
    late.subscribe("aldea/1/+/+/status")
    message = late.next()
    assert (message.payload, message.retain) == (b"birth", True)

    sender.publish("aldea/1/a-site/box/status", b"", 1, retain=True)
    sender.publish("aldea/1/b-site/box/status", b"other", 1, retain=True)
    assert [sender.next().payload for _ in range(2)] == [b"", b"other"]
    later = connect("later")
    later.subscribe("aldea/1/+/+/status")
    assert later.next().payload == b"other"
    assert [(m.topic, m.payload, m.retain) for m in later.received.queue] == []


def test_a_new_client_is_sent_nothing_that_only_others_asked_for(connect: Callable[..., Client]) -> None:
    watcher = connect("watcher")
    watcher.subscribe("aldea/1/+/+/status")
    watcher.publish("aldea/1/a-site/box/status", b"birth", 1, retain=True)
    assert watcher.next().payload == b"birth"

    agent = connect("agent")
    agent.subscribe("aldea/1/b-site/box/ack")
    agent.publish("aldea/1/b-site/box/ack", b"mine", 1)
    assert agent.next().payload == b"mine"


def test_a_connection_that_dies_without_goodbye_leaves_its_last_will(connect: Callable[..., Client]) -> None:
    watcher = connect("watcher")
    watcher.subscribe("aldea/1/+/+/status")
    agent = connect("agent", will=("aldea/1/a-site/box/status", b"gone"))
    agent.paho.reconnect_delay_set(60, 60)

    wire = agent.paho.socket()
    assert isinstance(wire, socket.socket)
    wire.shutdown(socket.SHUT_RDWR)

    assert watcher.next().payload == b"gone"
    late = connect("late")
    late.subscribe("aldea/1/+/+/status")
    message = late.next()
    assert (message.payload, message.retain) == (b"gone", True)


def test_a_polite_goodbye_leaves_no_will(connect: Callable[..., Client]) -> None:
    watcher = connect("watcher")
    watcher.subscribe("aldea/1/+/+/status")
    agent = connect("agent", will=("aldea/1/a-site/box/status", b"gone"))
    agent.close()
    connect("other").publish("aldea/1/b-site/box/status", b"marker", 1)
    assert watcher.next().payload == b"marker"


def test_a_ten_megabyte_message_passes_and_a_monster_ends_only_its_own_connection(
    connect: Callable[..., Client],
) -> None:
    watcher, sender, monster = connect("watcher"), connect("sender"), connect("monster")
    watcher.subscribe("aldea/1/+/+/bulk")
    sender.publish("aldea/1/a-site/box/bulk", b"x" * 10_000_000, 1)
    assert len(watcher.next().payload) == 10_000_000

    monster.paho.reconnect_delay_set(60, 60)
    monster.paho.publish("aldea/1/a-site/box/bulk", b"x" * (broker_base.MAX_PACKET_BYTES + 1), 0)
    assert monster.lost.wait(60), "the broker kept the connection"

    sender.publish("aldea/1/a-site/box/bulk", b"still here", 1)
    assert watcher.next().payload == b"still here"


def test_stopping_frees_the_port_and_leaves_no_thread(
    kind: BrokerKind, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    before = set(threading.enumerate())
    broker = start_broker(tmp_path, free_port(), prefer=kind)
    assert broker.kind == kind
    assert broker.is_alive()
    client = Client(broker, "still-connected", will=("w", b"w"))
    client.subscribe("#")

    broker.stop()
    broker.stop()

    assert not broker.is_alive()
    assert broker_base.port_is_free(broker.port)
    assert client.lost.wait(60)
    client.close()
    assert set(threading.enumerate()) <= before
    assert [str(warning.message) for warning in recwarn.list] == []


def test_it_starts_again_on_the_same_port(kind: BrokerKind, tmp_path: Path) -> None:
    broker = start_broker(tmp_path, free_port(), prefer=kind)
    broker.stop()
    broker.start()
    try:
        assert accepts_connections(broker.host, broker.port)
    finally:
        broker.stop()


def test_a_chosen_port_that_is_taken_names_the_setting(kind: BrokerKind, tmp_path: Path) -> None:
    with (
        _listening() as port,
        pytest.raises(BrokerError, match=rf"port {port} is already in use.*ALDEA_MQTT_PORT"),
    ):
        start_broker(tmp_path, port, prefer=kind)


def test_the_default_port_falls_back_to_a_free_one_and_says_so(
    kind: BrokerKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with _listening() as taken:
        monkeypatch.setattr(broker_base, "DEFAULT_PORT", taken)
        broker = start_broker(tmp_path, prefer=kind, log=said.append)
        try:
            assert broker.port != taken
            assert accepts_connections(broker.host, broker.port)
        finally:
            broker.stop()
    assert said == [f"Port {taken} is in use by another program, so MQTT listens on port {broker.port}."]


def test_the_default_port_is_used_where_it_is_free(
    kind: BrokerKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_base, "DEFAULT_PORT", free_port())
    broker = start_broker(tmp_path, prefer=kind)
    try:
        assert broker.port == broker_base.DEFAULT_PORT
    finally:
        broker.stop()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(BrokerError, match=r"ALDEA_MQTT_PORT is .*1 to 65535"):
        start_broker(tmp_path, port)


def test_without_mosquitto_the_built_in_broker_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aldea.deploy.broker.mosquitto.find_mosquitto", lambda: None)
    said: list[str] = []
    broker = start_broker(tmp_path, free_port(), log=said.append)
    try:
        assert broker.kind == "amqtt"
        assert "built-in" in said[0]
    finally:
        broker.stop()
    with pytest.raises(BrokerError, match=r"mosquitto is not installed.*ALDEA_BROKER=amqtt"):
        start_broker(tmp_path, free_port(), prefer="mosquitto")


def test_with_mosquitto_installed_mosquitto_serves(tmp_path: Path) -> None:
    broker = start_broker(tmp_path, free_port())
    try:
        assert broker.kind == "mosquitto"
    finally:
        broker.stop()


def test_a_mosquitto_that_dies_is_seen_and_not_mourned_at_stop(tmp_path: Path) -> None:
    broker = start_broker(tmp_path, free_port(), prefer="mosquitto")
    assert isinstance(broker, MosquittoBroker)
    pid = broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: not broker.is_alive(), "the death went unnoticed")
    broker.stop()


def test_a_mosquitto_that_will_not_start_says_why(tmp_path: Path) -> None:
    with _listening() as port, pytest.raises(BrokerError, match=r"did not start: .*[Aa]ddress.*in use"):
        MosquittoBroker(find_mosquitto() or "", tmp_path, port).start()


def test_mosquitto_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    port = free_port()
    program = (
        "import pathlib, sys, signal\n"
        "from aldea.deploy.broker import start_broker\n"
        "start_broker(pathlib.Path(sys.argv[1]), int(sys.argv[2]), prefer='mosquitto')\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(port)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        assert accepts_connections("127.0.0.1", port)
        parent.kill()
    _wait_until(lambda: not accepts_connections("127.0.0.1", port), "mosquitto outlived its parent")


@contextmanager
def _listening() -> Iterator[int]:
    """A port that another program holds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _wait_until(condition: Callable[[], bool], otherwise: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
