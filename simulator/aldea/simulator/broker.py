"""The fleet's connection to the broker: one MQTT client that speaks for all villages.

One connection has one last will, and 76 villages would need 76. So a village that falls silent has its will
published for it, retained, when a broker would have done it: one and a half keepalives after its link went. If
this whole process dies its villages are only noticed by their silence, as with any agent whose will got lost.
"""

from __future__ import annotations

import queue
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from aldea.model.clock import Clock

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from aldea.simulator.flight import Outgoing

HEARD_LIMIT = 2_000
"""Answers kept until they are looked at; more are dropped, and their batches are sent again."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The client is connected and subscribed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message arrived at `arrival_ms`."""

    topic: str
    payload: bytes
    arrival_ms: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and who to be there."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None


class Broker:
    """The connection. It is made again for ever; each time `Connected` is among the events."""

    def __init__(self, address: Address, topics: Sequence[str], clock: Clock) -> None:
        self._address = address
        self._topics = [(topic, 1) for topic in topics]
        self._clock = clock
        self._events: queue.Queue[Connected | Heard] = queue.Queue(HEARD_LIMIT)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"aldea-simulator-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv311,
            clean_session=True,
        )
        self._client.reconnect_delay_set(1, 15)
        self._client.max_inflight_messages_set(100)
        self._client.max_queued_messages_set(1_000)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._client.connect_async(self._address.host, self._address.port, keepalive=60)
        self._client.loop_start()

    def events(self, wait_seconds: float) -> Iterator[Connected | Heard]:
        """Yield what happened, waiting up to `wait_seconds` for the first."""
        try:
            yield self._events.get(timeout=wait_seconds)
            while True:
                yield self._events.get_nowait()
        except queue.Empty:
            return

    def is_connected(self) -> bool:
        """Whether messages can be handed over now."""
        return self._client.is_connected()

    def publish(self, message: Outgoing) -> mqtt.MQTTMessageInfo:
        """Hand a message over."""
        return self._client.publish(message.topic, message.payload, message.qos, message.retain)

    def stop(self, last: Sequence[Outgoing], within_seconds: float) -> None:
        """Publish `last`, wait a little until the broker has it, and disconnect."""
        handed = [self.publish(message) for message in last] if self.is_connected() else []
        patience = within_seconds
        for info in handed:
            # Asking after a message that could not be handed over would raise.
            while info.rc == mqtt.MQTT_ERR_SUCCESS and not info.is_published() and patience > 0:
                info.wait_for_publish(0.05)
                patience -= 0.05
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: mqtt.Client, _userdata: Any, _flags: mqtt.ConnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            return
        client.subscribe(self._topics)
        self._put(Connected())

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._put(Heard(message.topic, bytes(message.payload), self._clock.wall_ms()))

    def _put(self, event: Connected | Heard) -> None:
        try:
            self._events.put_nowait(event)
        except queue.Full:
            # A lost answer only makes a batch go out again; a lost Connected must not be.
            if isinstance(event, Connected):
                self._events.get_nowait()
                self._events.put_nowait(event)
