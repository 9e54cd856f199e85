"""The uplink's thread: connects, and carries messages between the broker and the conversation."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random

from paho.mqtt.enums import MQTTProtocolVersion

from aldea.agents.budget.meter import Meter
from aldea.agents.uplink.anchors import Moment
from aldea.agents.uplink.backoff import Backoff
from aldea.agents.uplink.conversation import Conversation
from aldea.agents.uplink.link import Link, LinkEvent, LinkOptions, Lost, Message, Opened
from aldea.agents.uplink.sending import Identity, Outgoing
from aldea.model.checks import is_loopback
from aldea.model.clock import ClockState
from aldea.model.messages import encode_status
from aldea.model.topics import Lane, Topic, TopicError, parse_topic

_LOG = logging.getLogger(__name__)
_TICK_SECONDS = 1.0
_HELD_MS = 60_000
_WELCOME_MS = 45_000
# Some brokers that do not know version 5 neither refuse it nor hang up: with it, patience is short.
_TRIAL_MS, _TRIAL_ON_LOOPBACK_MS = 10_000, 1_000
_FAREWELL_SECONDS = 2.0
_VERSIONS = {
    "5": (MQTTProtocolVersion.MQTTv5,),
    "3.1.1": (MQTTProtocolVersion.MQTTv311,),
    "auto": (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311),
}


class Uplink:
    """Runs the conversation over MQTT until it is stopped. An error is logged and ends the connection only."""

    def __init__(
        self,
        conversation: Conversation,
        identity: Identity,
        options: LinkOptions,
        now: Callable[[], Moment],
        random: Random | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._conversation = conversation
        self._identity = identity
        self._options = options
        self._now = now
        self._backoff = Backoff(options.host, random or Random())  # noqa: S311 - spreads load, hides nothing
        self._versions = _VERSIONS[options.version]
        self._link: Link | None = None
        self._meter = meter or Meter()
        self._metered = 0
        self._opened_ms: int | None = None
        self._trouble = ""
        self._attempt_ms = 0
        self._welcomed = False
        self._stop = threading.Event()
        self._recorded = threading.Event()
        self._urgent = threading.Event()
        self._asked = threading.Event()
        self._wake_read, self._wake_write = socket.socketpair()
        # Nobody reads while there is no connection: who wakes must never wait for room, or measuring would end.
        for end in (self._wake_read, self._wake_write):
            end.settimeout(0)
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    @property
    def is_online(self) -> bool:
        """Whether there is a connection to the broker."""
        return self._opened_ms is not None

    @property
    def opened_ms(self) -> int | None:
        """When the connection began, since boot; None while there is none."""
        return self._opened_ms

    @property
    def heard_ms(self) -> int | None:
        """When the collector answered last, since boot; None: not since the start."""
        return self._conversation.heard_ms

    @property
    def trouble(self) -> str:
        """Why the last connection ended or never came to be, "" before there was such a thing."""
        return self._trouble

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def recorded(self, *, urgent: bool = False, asked: bool = False) -> None:
        """Rows were recorded; `urgent` when they tell of a change, `asked` when a person waits. From any thread."""
        if urgent:
            self._urgent.set()
        if asked:
            self._asked.set()
        self._recorded.set()
        self._wake()

    def stop(self, timeout_seconds: float) -> None:
        """Say goodbye to the broker and end the thread; wait for it so long."""
        self._stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        if not self._thread.is_alive():
            self._wake_read.close()
            self._wake_write.close()

    def _wake(self) -> None:
        """End the thread's wait for the network; what is full will end it as well."""
        with suppress(OSError):
            self._wake_write.send(b"\0")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._step()
            except Exception:  # noqa: BLE001 - whatever went wrong, an agent that sends no more helps nobody
                _LOG.exception("the uplink failed")
                self._drop(self._now())
                self._pause("the uplink connects again")
        with suppress(Exception):
            self._say_goodbye()

    def _step(self) -> None:
        if self._link is None:
            self._connect_when_due()
            return
        for event in self._link.poll(_TICK_SECONDS, self._wake_read):
            self._take(event)
        if self._recorded.is_set():
            self._recorded.clear()
            urgent = self._urgent.is_set()
            self._urgent.clear()
            asked = self._asked.is_set()
            self._asked.clear()
            self._conversation.recorded(urgent=urgent, asked=asked)
        self._count()
        now = self._now()
        if self._opened_ms is None and now.mono_ms - self._attempt_ms > self._patience_ms():
            self._take(Lost("the broker does not answer", before_welcome=True))
        self._publish(self._conversation.tick(now))

    def _count(self) -> None:
        """Tell the meter what this connection has cost since the last time."""
        total = 0 if self._link is None else self._link.wire_bytes()
        self._meter.add(max(0, total - self._metered))
        self._metered = total

    def _patience_ms(self) -> int:
        """Return how long to wait for the broker's welcome."""
        if len(self._versions) == 1 or self._versions[0] is not MQTTProtocolVersion.MQTTv5 or self._welcomed:
            return _WELCOME_MS
        return _TRIAL_ON_LOOPBACK_MS if is_loopback(self._options.host) else _TRIAL_MS

    def _connect_when_due(self) -> None:
        now = self._now()
        self._conversation.tick(now)
        wait_ms = self._attempt_ms - now.mono_ms
        if wait_ms > 0:
            self._stop.wait(min(wait_ms / 1000, _TICK_SECONDS))
            return
        self._attempt_ms = now.mono_ms
        link = Link(self._options, f"aldea-{self._identity.site}-{self._identity.device}", self._versions[0])
        will = encode_status(self._conversation.connecting(now))
        try:
            link.open(
                (self._topic(Lane.STATUS), will),
                [(self._topic(Lane.ACK), 0), (self._topic(Lane.CMD), 1)],
                clock_is_right=now.clock is not ClockState.UNSYNCED,
            )
        except (OSError, ValueError) as error:
            link.abandon()
            self._pause(f"cannot connect to {self._options.host}:{self._options.port}: {error}")
            return
        self._link = link
        self._attempt_ms = self._now().mono_ms  # reaching the broker may have taken its time

    def _take(self, event: LinkEvent) -> None:
        now = self._now()
        if isinstance(event, Opened):
            _LOG.info("connected to %s:%d", self._options.host, self._options.port)
            self._opened_ms = now.mono_ms
            self._welcomed = True
            self._publish(self._conversation.connected(now, event.max_packet_bytes))
        elif isinstance(event, Message):
            self._publish(self._received(event, now))
        else:
            self._lost(event, now)

    def _received(self, event: Message, now: Moment) -> Iterable[Outgoing]:
        """Take what is for us: whatever else a broker hands out is nobody's word to this agent."""
        try:
            topic = parse_topic(event.topic)
        except TopicError:
            return []
        if (topic.site, topic.device) != (self._identity.site, self._identity.device):
            _LOG.warning("a message for %s/%s came here and was left alone", topic.site, topic.device)
            return []
        return self._conversation.received(topic.lane, event.payload, now)

    def _lost(self, event: Lost, now: Moment) -> None:
        self._drop(now)
        if event.before_welcome and len(self._versions) > 1:
            # A broker that speaks 3.1.1 only may refuse version 5 by hanging up: try the other one at once.
            self._versions = (*self._versions[1:], self._versions[0])
            if self._versions[0] is MQTTProtocolVersion.MQTTv311:
                _LOG.debug("%s; trying MQTT 3.1.1", event.reason)
                return
        self._pause(event.reason)

    def _drop(self, now: Moment) -> None:
        if self._opened_ms is not None and now.mono_ms - self._opened_ms >= _HELD_MS:
            self._backoff.succeeded()
        if self._link is not None:
            self._link.abandon()
        self._link = None
        self._opened_ms = None
        self._conversation.disconnected()

    def _pause(self, reason: str) -> None:
        self._trouble = reason
        pause_ms = self._backoff.next_ms()
        self._attempt_ms = self._now().mono_ms + pause_ms
        _LOG.warning("%s; next attempt in %.1f s", reason, pause_ms / 1000)

    def _publish(self, messages: Iterable[Outgoing]) -> None:
        for message in messages:
            if self._link is not None:
                self._link.publish(self._topic(message.lane), message.payload, message.qos, retain=message.retain)

    def _say_goodbye(self) -> None:
        link = self._link
        if link is None:
            return
        self._count()
        self._publish(self._conversation.farewell())
        deadline = self._now().mono_ms + _FAREWELL_SECONDS * 1000
        while not link.is_flushed() and self._now().mono_ms < deadline:
            link.poll(0.1, self._wake_read)
        link.close()

    def _topic(self, lane: Lane) -> str:
        return str(Topic(self._identity.site, self._identity.device, lane))
