"""Faults put into the running parts on purpose, to see the proof turn red. Nothing of the product knows of them."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from aldea.model.wire import Rejected, decode
from aldea.storage.series.sqlite import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from paho.mqtt.client import Client, MQTTMessageInfo

WITHOUT_UNIQUENESS = "without-uniqueness"
ACK_BEFORE_COMMIT = "ack-before-commit"
DELETE_ON_PUBACK = "delete-on-puback"

COMMIT_LATER_SECONDS = 0.3


def mutate_collector(name: str) -> None:
    """Break the collector of this process, if `name` is a fault of the collector's."""
    if name == WITHOUT_UNIQUENESS:
        _without_uniqueness()
    elif name == ACK_BEFORE_COMMIT:
        _ack_before_commit()


def mutate_agent(name: str) -> None:
    """Break the agent of this process, if `name` is a fault of the agent's."""
    if name == DELETE_ON_PUBACK:
        _delete_on_puback()


def read_without_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the series store of this process give every row that is written, the same one twice if need be."""
    monkeypatch.setattr(reading, "row_order", lambda _epochs, _seqs, times: np.argsort(times, kind="stable"))


def put(owner: type, name: str, replacement: object) -> None:
    """Replace a method of a class in this process."""
    setattr(owner, name, replacement)


def _without_uniqueness() -> None:
    """Take what comes again as if it were new: no book of what is stored, no trigger, no unique index."""
    from aldea.collector import batches
    from aldea.collector.journal import schema

    changed = re.sub(r"CREATE TRIGGER entry_once.*?END;", "", schema._SCHEMA, flags=re.DOTALL)
    changed = changed.replace("CREATE UNIQUE INDEX entry_stream", "CREATE INDEX entry_stream")
    assert "TRIGGER" not in changed
    assert "UNIQUE INDEX" not in changed
    schema._SCHEMA = changed
    batches._leave_out_known = lambda *_: None


def _ack_before_commit() -> None:
    """Answer at once, and commit a moment later: a group commit that forgot to hold the answers back."""
    from aldea.collector.journal import Journal
    from aldea.collector.service import Collector

    ingest, whole = Collector._ingest, Journal.transaction

    @contextmanager
    def left_open(journal: Journal) -> Iterator[None]:
        journal._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            journal._db.execute("ROLLBACK")
            raise

    def ingest_then_commit(collector: Collector) -> bool:
        put(Journal, "transaction", left_open)
        try:
            return ingest(collector)
        finally:
            put(Journal, "transaction", whole)
            if collector._journal._db.in_transaction:
                time.sleep(COMMIT_LATER_SECONDS)
                collector._journal._db.execute("COMMIT")

    put(Collector, "_ingest", ingest_then_commit)


def _delete_on_puback() -> None:
    """Believe the broker: delete at its PUBACK what went with QoS 1, and at once what went with QoS 0."""
    from aldea.agents.uplink import Uplink
    from aldea.agents.uplink.link import Link

    believer = _Believer()
    make_uplink, make_link = Uplink.__init__, Link.__init__

    def uplink(self: Uplink, *arguments: Any, **options: Any) -> None:
        make_uplink(self, *arguments, **options)
        believer.conversation = self._conversation

    def link(self: Link, *arguments: Any, **options: Any) -> None:
        make_link(self, *arguments, **options)
        believer.promised.clear()
        self._client.on_publish = believer.confirmed

    def publish(self: Link, topic: str, payload: bytes, qos: int, *, retain: bool) -> None:
        if self._welcomed and not self._ended:
            believer.sent(payload, qos, self._client.publish(topic, payload, qos=qos, retain=retain))

    put(Uplink, "__init__", uplink)
    put(Link, "__init__", link)
    put(Link, "publish", publish)


class _Believer:
    """Deletes what the broker has taken."""

    def __init__(self) -> None:
        self.conversation: Any = None
        self.promised: dict[int, bytes] = {}

    def sent(self, payload: bytes, qos: int, info: MQTTMessageInfo) -> None:
        if qos > 0:
            self.promised[info.mid] = payload
        elif info.rc == 0:
            self._delete(payload)

    def confirmed(self, _client: Client, _data: object, number: int, *_: object) -> None:
        if number in self.promised:
            self._delete(self.promised.pop(number))

    def _delete(self, payload: bytes) -> None:
        try:
            header, _ = decode(payload)
        except Rejected:
            return  # a birth
        if header.rows:
            span = (header.first_seq, header.last_seq)
            self.conversation._flight.answer(header.epoch, [span])
            self.conversation._outbox.acknowledge(header.epoch, [span])
