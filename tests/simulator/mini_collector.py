"""A collector just big enough to talk to the fleet: it decodes, remembers, and acknowledges or keeps silent."""

from __future__ import annotations

import threading
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from aldea.model.clock import Clock
from aldea.model.columns import Batch, decode_columns
from aldea.model.intervals import IntervalSet
from aldea.model.messages import Ack, Birth, Will, encode_ack, parse_status
from aldea.model.topics import Lane, parse_topic, subscription


class MiniCollector:
    """Keeps every batch in `received`, and which seqs it has. `lose_answers` batches get no answer."""

    def __init__(self, host: str, port: int, clock: Clock, *, lose_answers: int = 0) -> None:
        self.received: list[tuple[Lane, Batch]] = []
        self.births: list[Birth] = []
        self.wills: list[Will] = []
        self.known: dict[str, IntervalSet] = {}
        self.lost = 0
        self.early = 0
        self.most_in_flight = 0
        self._lose = lose_answers
        self._clock = clock
        self._greeted: set[str] = set()
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect(host, port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def rows_of(self, site: str) -> int:
        return len(self.known.get(site, ()))

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(subscription(lane), 1) for lane in (Lane.LIVE, Lane.BULK, Lane.STATUS)])

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        if message.retain:  # left over from another test
            return
        if topic.lane is Lane.STATUS:
            status = parse_status(bytes(message.payload))
            if isinstance(status, Will):
                self.wills.append(status)
                return
            self.births.append(status)
            self._greeted.add(topic.site)
            self._answer(topic.site, status.device, status.epoch, status.mono_ms, [])
            return
        batch = decode_columns(bytes(message.payload))
        header = batch.header
        assert (header.site, header.device) == (topic.site, topic.device)
        self.early += topic.site not in self._greeted
        if self.lost < self._lose:
            self.received.append((topic.lane, batch))
            self.lost += 1
            return
        known = self.known.setdefault(topic.site, IntervalSet())
        if header.rows:
            known.add(header.first_seq, header.last_seq)
        self.received.append((topic.lane, batch))  # last: whoever sees it finds its rows known
        stored = [(header.first_seq, header.last_seq)] if header.rows else []
        self._answer(topic.site, header.device, header.epoch, header.sent_mono_ms, stored)

    def _answer(self, site: str, device: str, epoch: str, echo: int, stored: list[tuple[int, int]]) -> None:
        highest = self.known.get(site, IntervalSet()).highest
        ack = Ack(epoch, self._clock.wall_ms(), echo, highest, stored)
        self._client.publish(f"aldea/1/{site}/{device}/ack", encode_ack(ack), 0)
