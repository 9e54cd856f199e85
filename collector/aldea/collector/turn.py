"""What one group of messages works with: the collector's state, and what is to happen once it is committed."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.collector.acks import AckBuilder
from aldea.collector.boots import BootBook
from aldea.collector.decoding import decode_all
from aldea.collector.presence import PresenceBook
from aldea.collector.streams import StreamBook
from aldea.model.topics import Lane
from aldea.model.wire import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.journal import Journal, NewEntry
    from aldea.collector.streams import Stream
    from aldea.collector.validate import Problem
    from aldea.model.columns import Batch
    from aldea.model.topics import Topic


_BATCH_LANES = (f"/{Lane.LIVE.value}", f"/{Lane.BULK.value}")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came from the broker."""

    topic: str
    payload: bytes
    retained: bool
    arrival_ms: int


class State:
    """What the collector knows, read from its journal. Changed by the ingesting thread only."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.streams = StreamBook(journal)
        self.boots = BootBook(journal, self.streams)
        self.presence = PresenceBook(journal)


@dataclass(slots=True)
class Turn:
    """One group: its answers, the streams it touched, its decoded batches, its counts."""

    state: State
    acks: AckBuilder = field(default_factory=AckBuilder)
    touched: dict[tuple[str, str, str], Stream] = field(default_factory=dict)
    decoded: list[tuple[int, Batch]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    read: dict[int, Batch | Rejected] = field(default_factory=dict)

    def decode(self, messages: Sequence[Incoming]) -> None:
        """Decode all that may be batches, together."""
        mine = [message for message in messages if message.topic.endswith(_BATCH_LANES)]
        found = decode_all([message.payload for message in mine])
        self.read = {id(message): batch for message, batch in zip(mine, found, strict=True)}

    def batch_of(self, message: Incoming) -> Batch:
        """Return a message's batch. Raises Rejected when it has none."""
        found = self.read[id(message)]
        if isinstance(found, Rejected):
            raise found
        return found

    def append(self, entry: NewEntry, batch: Batch) -> None:
        """Write an entry, and keep its decoded batch for the followers."""
        self.decoded.append((self.state.journal.append(entry), batch))

    def quarantine(
        self,
        message: Incoming,
        topic: Topic | None,
        problem: Problem,
        what: str | None = None,
        payload: bytes | None = None,
    ) -> str:
        """Keep a message, or a part of it, as not accepted; return its digest (16 hex digits).

        `what` names the thing when it may come again in other bytes.
        """
        content = message.payload if payload is None else payload
        digest = hashlib.sha256(message.payload).hexdigest()[:16]
        self.state.journal.quarantine(
            what or f"message {message.topic[:200]} {digest}",
            message.arrival_ms,
            message.topic,
            problem.reason,
            problem.sentence,
            content,
            None if topic is None else (topic.site, topic.device),
        )
        return digest
