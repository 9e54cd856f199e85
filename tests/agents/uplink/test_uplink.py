"""The uplink on real brokers: mosquitto with MQTT 5, the built-in one with 3.1.1, and brokers that die."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agentkit.making import IDENTITY, make_outbox, ping
from agentkit.model_collector import ModelCollector
from aldea.agents.uplink import Conversation, LinkOptions, Moment, Outgoing, Pace, Uplink
from aldea.agents.uplink.link import Message
from aldea.deploy.broker import start_broker
from aldea.model.clock import ClockState, SystemClock
from aldea.model.messages import Birth, Command, Will, encode_command, parse_status
from aldea.model.topics import Lane, Topic, parse_topic, subscription
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port, port_answers
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.agents.outbox import Outbox

CLOCK = SystemClock()
PACE = Pace(send_interval_ms=500, answer_ms=2_000, birth_again_ms=1_000, change_gap_ms=100)


class CollectorOnMqtt:
    """The model collector behind a client of its own."""

    def __init__(self, port: int) -> None:
        self.model = ModelCollector()
        self.statuses: list[Birth | Will] = []
        self.lanes: list[Lane] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="collector", clean_session=True)
        self._subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(subscription(lane), 1) for lane in (Lane.LIVE, Lane.BULK, Lane.STATUS)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port, 60)
        self._client.loop_start()
        assert self._subscribed.wait(60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        self.lanes.append(topic.lane)
        if topic.lane is Lane.STATUS:
            self.statuses.append(parse_status(bytes(message.payload)))
        answer = self.model.answer(Outgoing(topic.lane, bytes(message.payload), message.qos), CLOCK.wall_ms())
        if answer is not None:
            client.publish(str(Topic(topic.site, topic.device, Lane.ACK)), answer)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = make_outbox(tmp_path / "outbox", mono_ms=CLOCK.mono_ms())
    made.append([ping(number) for number in range(50)], CLOCK.mono_ms())
    yield made
    made.close()


def make_uplink(
    outbox: Outbox,
    port: int,
    version: str = "auto",
    state: ClockState = ClockState.RTC,
    tls: bool = False,
    ca_file: Path | None = None,
    site: str = "village",
) -> Uplink:
    def now() -> Moment:
        return Moment(CLOCK.mono_ms(), CLOCK.wall_ms(), state)

    link = LinkOptions("127.0.0.1", port, version=version, tls=tls, ca_file=ca_file)
    identity = replace(IDENTITY, site=site)
    return Uplink(Conversation(outbox, identity, PACE), identity, link, now)


def check_delivery(outbox: Outbox, port: int, version: str = "auto") -> CollectorOnMqtt:
    """From a full outbox to an empty one, with birth first and the farewell last."""
    collector = CollectorOnMqtt(port)
    uplink = make_uplink(outbox, port, version)
    uplink.start()
    try:
        eventually(lambda: outbox.stats().rows == 0)
        outbox.append([ping(99)], CLOCK.mono_ms())
        uplink.recorded(urgent=True)
        eventually(lambda: outbox.stats().rows == 0)
        assert outbox.boot.anchor is not None
    finally:
        uplink.stop(60)
    eventually(lambda: isinstance(collector.statuses[-1], Will))
    collector.close()
    birth = next(item for item in collector.statuses if isinstance(item, Birth) and item.epoch == outbox.epoch)
    assert collector.statuses[-1] == Will("village", "agent", birth.connection, "stopped")
    assert collector.lanes[0] is Lane.STATUS
    assert sorted(seq for _, seq in collector.model.stored) == list(range(1, 53))
    return collector


def test_everything_arrives_over_mosquitto(outbox: Outbox, mosquitto: Mosquitto) -> None:
    check_delivery(outbox, mosquitto.port, "5")


def test_a_broker_that_speaks_3_1_1_only_is_found_out_and_served(outbox: Outbox, tmp_path: Path) -> None:
    broker = start_broker(tmp_path, free_port(), prefer="amqtt")
    try:
        check_delivery(outbox, broker.port)
    finally:
        broker.stop()


def test_a_broker_that_is_killed_takes_nothing_with_it(outbox: Outbox, tmp_path: Path) -> None:
    server = Mosquitto(tmp_path / "broker").start()
    uplink = make_uplink(outbox, server.port)
    uplink.start()
    try:
        eventually(lambda: uplink.is_online)
        server.kill()
        eventually(lambda: not uplink.is_online)
        outbox.append([ping(7)] * 10, CLOCK.mono_ms())
        uplink.recorded(urgent=True)
        server.start()
        collector = CollectorOnMqtt(server.port)
        eventually(lambda: outbox.stats().rows == 0)
        collector.close()
        assert len(collector.model.stored) == 61
    finally:
        uplink.stop(5)
        server.stop()


def test_a_connection_cut_without_goodbye_leaves_the_will_of_that_connection(
    outbox: Outbox, mosquitto: Mosquitto
) -> None:
    collector = CollectorOnMqtt(mosquitto.port)
    uplink = make_uplink(outbox, mosquitto.port, site="cut-off")
    rival = make_uplink(outbox, mosquitto.port, site="cut-off")  # the same client id: the broker cuts the first off
    uplink.start()
    eventually(lambda: any(item.site == "cut-off" for item in collector.statuses))
    first = next(item for item in collector.statuses if item.site == "cut-off")
    rival.start()
    eventually(lambda: Will("cut-off", "agent", first.connection, "lost") in collector.statuses)
    uplink.stop(5)
    rival.stop(5)
    collector.close()


@pytest.mark.alone
def test_it_stops_within_seconds_while_no_broker_answers(outbox: Outbox) -> None:
    uplink = make_uplink(outbox, free_port())
    uplink.start()
    threading.Event().wait(0.2)
    before = CLOCK.mono_ms()
    uplink.stop(5)
    assert CLOCK.mono_ms() - before < 3_000


def test_days_without_a_broker_hold_up_nobody_who_records(outbox: Outbox) -> None:
    uplink = make_uplink(outbox, free_port())
    uplink.start()

    def record() -> None:
        for _ in range(10_000):  # a week of cycles, each minute one
            uplink.recorded()

    recording = threading.Thread(target=record, daemon=True)
    recording.start()
    recording.join(60)
    assert not recording.is_alive(), "measuring waits for the link"
    uplink.stop(60)


def make_certificate(folder: Path, name: str, days: int) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, valid for `days` from now (negative: it has run out)."""
    key, request, certificate = (folder / f"{name}.{suffix}" for suffix in ("key", "csr", "pem"))
    ask = [
        *("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(request)),
    ]
    sign = [
        *("openssl", "x509", "-req", "-in", str(request), "-signkey", str(key), "-copy_extensions", "copyall"),
        *("-days", str(days), "-out", str(certificate)),
    ]
    subprocess.run(ask, check=True, capture_output=True)
    subprocess.run(sign, check=True, capture_output=True)
    return certificate, key


@contextmanager
def tls_broker(folder: Path, days: int) -> Iterator[tuple[Mosquitto, Path]]:
    """A mosquitto with a certificate; and the certificate."""
    certificate, key = make_certificate(folder, "broker", days)
    server = Mosquitto(folder / "broker", [f"certfile {certificate}", f"keyfile {key}"])
    server.process.start(lambda: port_answers(server.port))
    try:
        yield server, certificate
    finally:
        server.stop()


def gets_online(uplink: Uplink, within_seconds: float) -> bool:
    """Start it and say whether it has a connection within this time; stop it again."""
    uplink.start()
    end = CLOCK.mono_ms() + within_seconds * 1000
    while not uplink.is_online and CLOCK.mono_ms() < end:
        threading.Event().wait(0.02)
    online = uplink.is_online
    uplink.stop(5)
    return online


def test_over_tls_the_brokers_certificate_is_verified(outbox: Outbox, tmp_path: Path) -> None:
    other, _ = make_certificate(tmp_path, "other", 30)
    with tls_broker(tmp_path, 30) as (server, certificate):
        assert gets_online(make_uplink(outbox, server.port, tls=True, ca_file=certificate), 60)
        assert not gets_online(make_uplink(outbox, server.port, tls=True, ca_file=other), 0.7)
        assert not gets_online(make_uplink(outbox, server.port, tls=True), 0.7)


def test_a_certificate_that_has_run_out_is_refused_unless_this_machines_clock_is_known_to_be_wrong(
    outbox: Outbox, tmp_path: Path
) -> None:
    other, _ = make_certificate(tmp_path, "other", 30)
    with tls_broker(tmp_path, -1) as (server, certificate):
        assert not gets_online(make_uplink(outbox, server.port, tls=True, ca_file=certificate), 0.7)
        wrong = ClockState.UNSYNCED
        assert gets_online(make_uplink(outbox, server.port, state=wrong, tls=True, ca_file=certificate), 60)
        assert not gets_online(make_uplink(outbox, server.port, state=wrong, tls=True, ca_file=other), 0.7)


def test_a_command_is_only_taken_from_the_agents_own_topic(outbox: Outbox) -> None:
    taken: list[str] = []
    talk = Conversation(outbox, IDENTITY, commands=lambda command: taken.append(command.id))
    uplink = Uplink(talk, IDENTITY, LinkOptions("127.0.0.1", 1), lambda: Moment(1, 1, ClockState.UNSYNCED))
    payload = encode_command(Command("one", "test", {}, 1))
    own = f"{IDENTITY.site}/{IDENTITY.device}"
    for topic in (
        f"aldea/1/other/{IDENTITY.device}/cmd",
        f"aldea/1/{IDENTITY.site}/other/cmd",
        f"aldea/2/{own}/cmd",
        "x",
    ):
        uplink._take(Message(topic, payload))
    assert taken == []
    uplink._take(Message(f"aldea/1/{own}/cmd", payload))
    assert taken == ["one"]
    uplink.stop(1)
