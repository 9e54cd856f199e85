"""A real agent that counts devices, caught at the interface: no address of theirs is in a packet, a file or the log."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agentkit.model_collector import ModelCollector
from aldea.agents.uplink import Outgoing
from aldea.model.clock import SystemClock
from aldea.model.topics import Lane, Topic, parse_topic, subscription
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

pytestmark = pytest.mark.alone  # others' traffic over the loopback would push packets out of the capture

ALL_PROTOCOLS = 0x0003
STATIONS = ("b6:5d:f3:8a:19:c4", "3c:22:fb:71:0e:9d")
LEASED = "da:a1:19:5e:c7:42"
NAME, ADDRESS = "telefono-de-lupita", "192.168.77.41"


class Capture:
    """Everything that passes the loopback, until closed."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
        self._socket.bind(("lo", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_000_000)
        self._socket.settimeout(0.2)
        self.packets: list[bytes] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.packets.append(self._socket.recv(65_535))
            except TimeoutError:
                continue

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)
        self._socket.close()


class Server:
    """Acknowledges what the agent sends, and keeps it as it came."""

    def __init__(self, port: int) -> None:
        self.model = ModelCollector()
        self.payloads: list[bytes] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="collector", clean_session=True)
        lanes = [(subscription(lane), 1) for lane in (Lane.LIVE, Lane.BULK, Lane.STATUS)]
        ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(lanes)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port, 60)
        self._client.loop_start()
        assert ready.wait(60)

    def _take(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic, payload = parse_topic(message.topic), bytes(message.payload)
        self.payloads.append(payload)
        answer = self.model.answer(Outgoing(topic.lane, payload, message.qos), SystemClock().wall_ms())
        if answer is not None:
            client.publish(str(Topic(topic.site, topic.device, Lane.ACK)), answer)

    def counts(self) -> list[object]:
        """Return how many devices each row of `clients` that arrived has counted today."""
        rows = sorted(self.model.stored.items())
        return [row.fields.get("unique_today") for _, row in rows if row.measurement == "clients"]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def capture() -> Iterator[Capture]:
    try:
        made = Capture()
    except PermissionError:
        pytest.skip("only root may capture packets")
    yield made
    made.close()


@pytest.fixture
def server(mosquitto: Mosquitto) -> Iterator[Server]:
    made = Server(mosquitto.port)
    yield made
    made.close()


def _settings(folder: Path, port: int) -> Path:
    """Put an access point and the leases of a router beside an agent's settings."""
    program, leases, config = folder / "bin" / "hostapd_cli", folder / "leases", folder / "aldea.toml"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n" + "".join(f"echo {station}\n" for station in STATIONS))
    program.chmod(0o755)
    leases.write_text(f"{round(time.time()) + 3600} {LEASED} {ADDRESS} {NAME} 01:{LEASED}\n")
    off = "".join(f"[agent.{name}]\nenabled = false\n" for name in ("ping", "dns", "http", "interfaces", "host"))
    config.write_text(
        f'[agent]\nsite = "village"\ndata = "{folder / "data"}"\nlog_level = "debug"\nsample_seconds = 1.0\n'
        f"send_seconds = 1.0\n[agent.broker]\nport = {port}\n{off}[agent.clients]\nevery_seconds = 0\n"
        f'[[agent.clients.sources]]\nkind = "hostapd"\ninterface = "wlan0"\n'
        f'[[agent.clients.sources]]\nkind = "dnsmasq"\nfile = "{leases}"\n'
    )
    return config


def _forms(mac: str) -> Iterator[bytes]:
    """Yield how an address may be written, plain or hashed without a key, at least by its first eight bytes.

    As Python shows bytes, above all: so the agent holds an address, and so its log would have it.
    """
    raw = bytes.fromhex(mac.replace(":", ""))
    written = [mac, mac.upper(), mac.replace(":", "-"), mac.replace(":", ""), mac.replace(":", "").upper()]
    yield raw
    yield from (form.encode() for form in written)
    yield from (str(shown).encode() for shown in (raw, list(raw), int.from_bytes(raw)))
    yield base64.b64encode(raw)
    for form in (raw, *(form.encode() for form in written)):
        for algorithm in ("md5", "sha1", "sha256"):
            digest = hashlib.new(algorithm, form).digest()[:8]
            yield digest
            yield digest.hex().encode()


def test_no_address_of_a_device_is_in_a_packet_a_file_or_the_log(
    tmp_path: Path, mosquitto: Mosquitto, server: Server, capture: Capture
) -> None:
    config, log = _settings(tmp_path, mosquitto.port), tmp_path / "log"
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    with log.open("wb") as said:
        command = [sys.executable, "-m", "aldea.agents", "--config", str(config)]
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        try:
            eventually(lambda: len([count for count in server.counts() if count is not None]) > 1, 90)
        finally:
            process.terminate()
            process.wait(60)
    assert server.counts()[-1] == len(STATIONS), "a lease from before the first look is no visit of today"
    capture.close()
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    places = {
        "packets": b"".join(capture.packets),
        "what was sent, unpacked": repr(server.model.stored).encode(),
        "payloads": b"".join(server.payloads),
        "files": b"".join(path.read_bytes() for path in kept),
        "log": log.read_bytes(),
    }
    assert all(payload in places["packets"] for payload in server.payloads), "the capture has missed something"
    assert "outbox.sqlite" in {path.name for path in kept}
    forms = {form for mac in (*STATIONS, LEASED) for form in _forms(mac)} | {NAME.encode(), ADDRESS.encode()}
    found = {(place, form) for place, data in places.items() for form in forms if form in data}
    assert not found
