"""The collector's connection to the broker: a clean session, subscribed anew on every connect."""

from __future__ import annotations

import logging
import select
import socket
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.collector.inbox import Inbox
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

PUT_SECONDS = 2.0
ANSWERS_MOST = 10_000
COMMANDS_MOST = 1_000
PACKETS_A_ROUND = 200
LOOK_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.1
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
    keepalive_seconds: int = 60


class BrokerLink:
    """Messages in, acknowledgements and commands out.

    One thread of this class, which nothing ends but `stop`, touches the client and its socket: publishing from
    another thread would let two packets mix. With the inbox full for two seconds a message is dropped
    and counted, and so are answers nobody reads; their agents send again.
    """

    def __init__(self, address: BrokerAddress, client_id: str, clock: Clock, share_group: str | None = None) -> None:
        self.inbox = Inbox()
        self.dropped = 0
        self.answers_dropped = 0
        self._clock = clock
        self._address = address
        self._share_group = share_group
        self._answers: deque[tuple[str, bytes]] = deque()
        self._commands: deque[tuple[str, bytes]] = deque()
        self._arrived = 0
        self._stalled = False
        self._subscribed = False
        self._stopping = threading.Event()
        self._bell, self._ear = socket.socketpair()
        self._bell.settimeout(0)
        self._ear.settimeout(0)
        self._client = self._make_client(client_id)
        self._thread = threading.Thread(target=self._run, name="aldea-mqtt", daemon=True)

    def _make_client(self, client_id: str) -> paho.Client:
        client = self._new_client(client_id)
        address = self._address
        if address.username is not None:
            password = None if address.password_file is None else address.password_file.read_text().strip()
            client.username_pw_set(address.username, password)
        if address.ca_file is not None:
            client.tls_set_context(ssl.create_default_context(cafile=str(address.ca_file)))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _new_client(self, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True, protocol=paho.MQTTv311
        )
        client.max_queued_messages_set(COMMANDS_MOST)
        return client

    def start(self) -> None:
        """Begin to connect; `connected` says when it is done."""
        self._thread.start()

    def stop(self) -> None:
        """Send the answers that wait, disconnect and end the thread."""
        self._stopping.set()
        self._ring()
        if self._thread.is_alive():
            self._thread.join(10)
        self._bell.close()
        self._ear.close()

    @property
    def connected(self) -> bool:
        """Whether the broker has granted the subscriptions, and the thread that reads is alive."""
        return self._subscribed and self._client.is_connected() and self._thread.is_alive()

    def answer(self, acks: Sequence[tuple[Topic, Ack]]) -> None:
        """Have acknowledgements sent, if connected: they are of no use later."""
        if not self.connected:
            return
        for topic, ack in acks:
            if len(self._answers) >= ANSWERS_MOST:
                self.answers_dropped += 1
                continue
            self._answers.append((str(topic), encode_ack(ack)))
        self._ring()

    def command(self, topic: Topic, payload: bytes) -> bool:
        """Have a command published so that the broker confirms it; False when there is no room for it now."""
        if not self.connected or len(self._commands) >= COMMANDS_MOST:
            return False
        self._commands.append((str(topic), payload))
        self._ring()
        return True

    def _ring(self) -> None:
        """Wake the thread out of its wait; a full pipe will wake it as well, a closed one needs no waking."""
        try:
            self._bell.send(b"\0")
        except OSError:
            return

    # ---------------------------------------------------------------- in the thread

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                if self._converse():
                    pause = FIRST_PAUSE_SECONDS
            except Exception as error:  # noqa: BLE001 - see below
                # Whatever it was, this thread is the only way in: it says so and tries again.
                log.warning("broker %s:%d: %s", self._address.host, self._address.port, error)
            self._subscribed = False
            self._answers.clear()
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _converse(self) -> bool:
        """Connect, and read and write until the connection ends; return whether anything came to us."""
        client = self._client
        before = self._arrived
        self._connect()
        more = False
        while (connection := client.socket()) is not None:
            readable, writable = self._wait(connection, 0 if more else LOOK_SECONDS)
            more = readable and self._read()
            self._send_answers()
            if writable or client.want_write():
                client.loop_write()
            client.loop_misc()
            if self._stopping.is_set():
                client.disconnect()
                client.loop_write()
                break
        return self._arrived != before

    def _connect(self) -> None:
        self._client.connect(self._address.host, self._address.port, self._address.keepalive_seconds)

    def _wait(self, connection: Any, seconds: float) -> tuple[bool, bool]:
        """Wait until the connection can be read (or written, if something is to be), or the bell rings."""
        poller = select.poll()  # select() fails on file numbers above 1023
        poller.register(connection, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        poller.register(self._ear, select.POLLIN)
        events = dict(poller.poll(seconds * 1000))
        if events.get(self._ear.fileno()):
            self._ear.recv(65_536)
        event = events.get(connection.fileno(), 0)
        # An error or a hang-up shows when reading; after a full round the rest may be in TLS's own buffer.
        return bool(event & ~select.POLLOUT) or not seconds, bool(event & select.POLLOUT)

    def _read(self) -> bool:
        """Read packets until there are no more, or a round is full; return whether there may be more."""
        self._stalled = False
        for _ in range(PACKETS_A_ROUND):
            arrived = self._arrived
            if self._client.loop_read() != paho.MQTT_ERR_SUCCESS or self._stalled:
                return False
            if self._arrived == arrived:
                # Nothing whole was there. What TLS has decrypted already, no poll will tell of.
                pending = getattr(self._client.socket(), "pending", None)
                return pending is not None and pending() > 0
        return True

    def _send_answers(self) -> None:
        while self._answers and not self._client.want_write():
            topic, payload = self._answers.popleft()
            self._client.publish(topic, payload, qos=0)
        while self._commands and self._subscribed and not self._client.want_write():
            topic, payload = self._commands.popleft()
            self._client.publish(topic, payload, qos=1)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("the broker refused the connection: %s", reason)
            return
        prefix = "" if self._share_group is None else f"$share/{self._share_group}/"
        client.subscribe([(prefix + subscription(lane), qos) for lane, qos in QOS.items()])

    def _on_subscribe(self, client: paho.Client, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            log.error("the broker refused the subscriptions (%s): check the collector's rights", ", ".join(refused))
            client.disconnect()
            return
        self._subscribed = True
        log.info("connected to %s:%d", self._address.host, self._address.port)

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._subscribed = False
        if not self._stopping.is_set():
            log.warning("disconnected from the broker: %s", reason)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._arrived += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(a topic that is not UTF-8)"
        incoming = Incoming(topic, bytes(message.payload), message.retain, self._clock.wall_ms())
        if not self.inbox.put(incoming, PUT_SECONDS):
            self.dropped += 1
            self._stalled = True
