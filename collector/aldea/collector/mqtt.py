"""The collector's connection to the broker: a clean session, subscribed anew on every connect."""

from __future__ import annotations

import logging
import queue
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.collector.turn import Incoming
from aldea.model.messages import encode_ack
from aldea.model.topics import Lane, subscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.model.messages import Ack
    from aldea.model.topics import Topic

log = logging.getLogger(__name__)

QUEUE_MESSAGES = 20_000
PUT_SECONDS = 2.0
KEEPALIVE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 30.0
QOS = {Lane.LIVE: 0, Lane.BULK: 1, Lane.STATUS: 1}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to sign in. `password_file` holds the password alone."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None


class BrokerLink:
    """Messages in, acknowledgements out. paho's loop runs in a thread of this class, which nothing ends but `stop`.

    The callback only queues: paho ends its loop on an exception in it and still says that it is connected. With
    the queue full for two seconds a message is dropped and counted; its agent sends it again.
    """

    def __init__(self, address: BrokerAddress, client_id: str, clock: Clock, share_group: str | None = None) -> None:
        self.messages: queue.Queue[Incoming] = queue.Queue(QUEUE_MESSAGES)
        self.dropped = 0
        self._clock = clock
        self._address = address
        self._share_group = share_group
        self._stopping = threading.Event()
        self._client = self._make_client(client_id)
        self._thread = threading.Thread(target=self._run, name="aldea-mqtt", daemon=True)

    def _make_client(self, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True, protocol=paho.MQTTv311
        )
        address = self._address
        if address.username is not None:
            password = None if address.password_file is None else address.password_file.read_text().strip()
            client.username_pw_set(address.username, password)
        if address.ca_file is not None:
            client.tls_set_context(ssl.create_default_context(cafile=str(address.ca_file)))
        client.max_inflight_messages_set(1000)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def start(self) -> None:
        """Begin to connect; `connected` says when it is done."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread."""
        self._stopping.set()
        self._client.disconnect()
        self._thread.join(10)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it has not ended. No proof that data flows."""
        return self._client.is_connected()

    def next_group(self, most: int, wait_seconds: float) -> list[Incoming]:
        """Return what has arrived, up to `most` messages; waits for the first one."""
        try:
            group = [self.messages.get(timeout=wait_seconds)]
        except queue.Empty:
            return []
        while len(group) < most:
            try:
                group.append(self.messages.get_nowait())
            except queue.Empty:
                break
        return group

    def answer(self, acks: Sequence[tuple[Topic, Ack]]) -> None:
        """Send acknowledgements, if connected: paho would queue them, and by then they are old."""
        for topic, ack in acks:
            if self._client.is_connected():
                self._client.publish(str(topic), encode_ack(ack), qos=0)

    def _run(self) -> None:
        pause = 0.1
        while not self._stopping.is_set():
            try:
                self._client.connect(self._address.host, self._address.port, KEEPALIVE_SECONDS)
                while self._client.loop(timeout=0.5) == paho.MQTT_ERR_SUCCESS:
                    if self._client.is_connected():
                        pause = 0.1
                    if self._stopping.is_set():
                        return
            except Exception as error:  # noqa: BLE001 - see below
                # Whatever it was, this thread is the only way in: it says so and tries again.
                log.warning("broker %s:%d: %s", self._address.host, self._address.port, error)
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("the broker refused the connection: %s", reason)
            return
        prefix = "" if self._share_group is None else f"$share/{self._share_group}/"
        client.subscribe([(prefix + subscription(lane), qos) for lane, qos in QOS.items()])
        log.info("connected to %s:%d", self._address.host, self._address.port)

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self._stopping.is_set():
            log.warning("disconnected from the broker: %s", reason)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(a topic that is not UTF-8)"
        incoming = Incoming(topic, bytes(message.payload), message.retain, self._clock.wall_ms())
        try:
            self.messages.put(incoming, timeout=PUT_SECONDS)
        except queue.Full:
            self.dropped += 1
