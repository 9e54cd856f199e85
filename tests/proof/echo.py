"""A client that makes trouble within the rules: it sends batches again, as they were and cut anew."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.model.topics import Lane, TopicError, parse_topic, subscription
from aldea.model.wire import decode, encode

if TYPE_CHECKING:
    from random import Random

    from aldea.model.sample import Row
    from aldea.model.wire import Header

_DROPPED = "$SYS/broker/publish/messages/dropped"
_STRETCH = 48
_MOST_REMEMBERED = 300


class Echo:
    """Republishes batches. Half of all seqs are never sent again, so that no loss is made good by this client.

    It also counts what mosquitto says it dropped (`$SYS`, once a second), and tells when there is traffic.
    """

    def __init__(self, port: int, random: Random, share: float = 0.3) -> None:
        self.sent = 0
        self.traffic = threading.Event()
        self.answered = threading.Event()
        self._random = random
        self._share = share
        self._lock = threading.Lock()
        self._heard: deque[tuple[str, bytes]] = deque(maxlen=_MOST_REMEMBERED)
        self._rows: dict[tuple[str, str], tuple[Header, dict[int, Row]]] = {}
        self._own: set[bytes] = set()
        self._dropped_before = 0
        self._dropped_now = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="proof-echo", protocol=paho.MQTTv311)
        self._client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]  # it takes fractions
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", port)

    @property
    def dropped(self) -> int:
        """How many messages the broker, in all its lives, said it dropped."""
        return self._dropped_before + self._dropped_now

    def start(self) -> None:
        """Connect, and stay connected."""
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def burst(self, messages: int) -> None:
        """Send old batches again: some as they were, some cut anew across the old cuts."""
        with self._lock:
            heard, known = list(self._heard), list(self._rows)
        for _ in range(messages):
            if heard and self._random.random() < 0.5:
                self._send(*self._random.choice(heard))
            elif known:
                self._send_recut(self._random.choice(known))

    def _send_recut(self, key: tuple[str, str]) -> None:
        with self._lock:
            header, rows = self._rows[key]
            first = self._random.choice(sorted(rows))
            most = self._random.randint(1, _STRETCH)
            run: list[Row] = []
            while first + len(run) in rows and len(run) < most:
                run.append(rows[first + len(run)])
        self._send(key[0], encode(replace(header, first_seq=first, rows=len(run)), run))

    def _send(self, topic: str, payload: bytes) -> None:
        if self._client.is_connected():
            with self._lock:
                self._own.add(hashlib.sha256(payload).digest())
            self._client.publish(topic, payload, qos=1)
            self.sent += 1

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        self._dropped_before, self._dropped_now = self.dropped, 0
        lanes = [(subscription(lane), 1) for lane in (Lane.LIVE, Lane.BULK, Lane.ACK)]
        client.subscribe([*lanes, (_DROPPED, 0)])

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic == _DROPPED:
            self._dropped_now = max(self._dropped_now, int(message.payload))
            return
        try:
            lane = parse_topic(message.topic).lane
        except TopicError:
            return
        if lane is Lane.ACK:
            self.answered.set()
            return
        self.traffic.set()
        payload = bytes(message.payload)
        with self._lock:
            if hashlib.sha256(payload).digest() in self._own:
                return
        self._remember(message.topic, payload)

    def _remember(self, topic: str, payload: bytes) -> None:
        header, rows = decode(payload)
        with self._lock:
            self._keep_rows((topic.rsplit("/", 1)[0] + "/bulk", header.epoch), header, rows)
            whole = bool(rows) and all(_may_echo(row.seq) for row in rows)
            if whole:
                self._heard.append((topic, payload))
        if whole and self._random.random() < self._share:
            self._send(topic, payload)

    def _keep_rows(self, key: tuple[str, str], header: Header, rows: list[Row]) -> None:
        before, known = self._rows.get(key, (header, {}))
        known.update({row.seq: row for row in rows if _may_echo(row.seq)})
        if known:
            # The newest header: a batch cannot have been sent before its rows were measured.
            self._rows[key] = (max(before, header, key=lambda one: one.sent_mono_ms), known)


def _may_echo(seq: int) -> bool:
    return seq // _STRETCH % 2 == 0
