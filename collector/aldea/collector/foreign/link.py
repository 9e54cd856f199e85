"""The connection for foreign publishers: a session that the broker keeps, and acknowledgements after the commit."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from aldea.collector.foreign.taking import MOST_BYTES, ForeignIncoming
from aldea.collector.mqtt import PUT_SECONDS, BrokerLink

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aldea.collector.inbox import Inbox
    from aldea.collector.mqtt import BrokerAddress
    from aldea.collector.turn import Incoming
    from aldea.model.clock import Clock

log = logging.getLogger(__name__)

RECEIVE_MAXIMUM = 4_000
"""How many messages the broker may have sent that are not acknowledged: more than the collector takes at once."""

SESSION_SECONDS = 30 * 24 * 3600
MOST_WAITING = 5_000
ANSWER_MS = 5_000
"""A broker that has not answered a connection by then knows another version of MQTT, or stands still."""

_UNSUPPORTED_VERSION = 132


class ForeignLink(BrokerLink):
    """Messages of foreign topics in, PUBACKs out once `acknowledge` says that they are in the journal.

    MQTT 5 where the broker has it, else 3.1.1. Messages go into `inbox`, which others may fill too. An
    acknowledgement is sent on the connection that brought its message or not at all: after a reconnect the packet id
    may be another message's. What cannot be taken is not acknowledged; a new connection brings it again.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        clock: Clock,
        inbox: Inbox,
        filters: Sequence[str],
        left_filters: Sequence[str] = (),
    ) -> None:
        self._version = paho.MQTTv5
        super().__init__(address, client_id, clock)
        self._thread.name = "aldea-foreign"
        self.inbox = inbox
        self.stale_acks = 0
        self._client_id = client_id
        self._filters = list(filters)
        self._left_filters = list(left_filters)
        self._pubacks: deque[tuple[int, int]] = deque()
        self._generation = 0
        self._is_first = False
        self._asked_ms = 0
        self._put, self._taken = 0, 0
        self._reached = self._understood = self._version_agreed = False

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """Have those of these messages that came from here acknowledged: they are in the journal."""
        for message in messages:
            if isinstance(message, ForeignIncoming):
                self._taken += 1
                if message.qos:
                    self._pubacks.append((message.generation, message.packet_id))
        self._ring()

    def counters(self) -> dict[str, int]:
        """Return what happened on this connection since the start."""
        return {
            "foreign_connections": self._generation,
            "foreign_stale_acks": self.stale_acks,
            "foreign_not_taken": self.dropped,
        }

    # ---------------------------------------------------------------- in the thread

    def _new_client(self, client_id: str) -> paho.Client:
        if self._version == paho.MQTTv5:
            return paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, manual_ack=True)
        return paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )

    def _connect(self) -> None:
        self._generation += 1
        address = self._address
        if self._version == paho.MQTTv5:
            wanted: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho left it untyped
            wanted.SessionExpiryInterval = SESSION_SECONDS
            wanted.ReceiveMaximum = RECEIVE_MAXIMUM
            self._client.connect(
                address.host, address.port, address.keepalive_seconds, clean_start=False, properties=wanted
            )
        else:
            self._client.connect(address.host, address.port, address.keepalive_seconds)
        self._reached = True
        self._asked_ms = self._clock.mono_ms()

    def _converse(self) -> bool:
        self._reached = self._understood = False
        try:
            return super()._converse()
        finally:
            if self._reached and not self._understood and not self._version_agreed:
                self._try_other_version()

    def _try_other_version(self) -> None:
        """Speak the other version: a broker that hangs up without a word may not know this one."""
        left_open = self._client.socket()
        if left_open is not None:
            left_open.close()
        self._version = paho.MQTTv311 if self._version == paho.MQTTv5 else paho.MQTTv5
        self._client = self._make_client(self._client_id)

    def _send_answers(self) -> None:
        if not self._understood and self._clock.mono_ms() - self._asked_ms > ANSWER_MS:
            raise ConnectionError(
                f"no answer to a connection of MQTT {'5' if self._version == paho.MQTTv5 else '3.1.1'}"
            )
        while self._pubacks:
            generation, packet_id = self._pubacks.popleft()
            if generation != self._generation or not self._client.is_connected():
                self.stale_acks += 1
                continue
            self._client.ack(packet_id, 1)

    def _on_connect(self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._understood = reason.value != _UNSUPPORTED_VERSION
            log.error("the broker refused the connection for foreign topics: %s", reason)
            return
        self._understood = self._version_agreed = True
        self._is_first = self._is_first or not flags.session_present
        if self._version == paho.MQTTv5:
            # Retained messages come with a new subscription only, not with each connection.
            how = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            client.subscribe([(text, how) for text in self._filters])
        else:
            client.subscribe([(text, 1) for text in self._filters])
        if self._left_filters and flags.session_present:
            client.unsubscribe(self._left_filters)

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._arrived += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(a topic that is not UTF-8)"
        incoming = ForeignIncoming(
            topic,
            bytes(message.payload[: MOST_BYTES + 1]),
            message.retain,
            self._clock.wall_ms(),
            message.qos,
            message.mid,
            message.dup,
            self._generation,
            self._is_first,
        )
        if self._put - self._taken < MOST_WAITING and self.inbox.put(incoming, PUT_SECONDS):
            self._put += 1
            self._is_first = False
            return
        self.dropped += 1
        self._stalled = True
        if message.qos:
            client.disconnect()
