"""A group of messages into the journal: decode, validate, commit, and only then the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.batches import take_batch
from aldea.collector.status import take_status
from aldea.collector.turn import Incoming, State, Turn
from aldea.collector.validate import Problem
from aldea.model.topics import Lane, Topic, TopicError, parse_topic
from aldea.model.wire import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aldea.collector.journal import Journal
    from aldea.collector.recent import RecentBatches
    from aldea.collector.streams import StreamRecord
    from aldea.model.clock import Clock
    from aldea.model.messages import Ack


class Ingestor:
    """Takes groups of messages. One thread uses it; `records` may be read by others.

    `is_known` says whether a (site, device) is registered: what comes from others is noted and not answered, so
    that its agent keeps it until somebody registers the site.
    """

    def __init__(
        self, journal: Journal, clock: Clock, is_known: Callable[[str, str], bool], recent: RecentBatches
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._is_known = is_known
        self._recent = recent
        self.records: dict[tuple[str, str, str], StreamRecord] = {}
        self._load()

    def _load(self) -> None:
        """Read the state from the journal: at the start, and when a commit failed."""
        self._state = State(self._journal)
        for stream in self._state.streams.all():
            self.records[stream.site, stream.device, stream.epoch] = stream.record()

    def take(self, messages: Sequence[Incoming]) -> list[tuple[Topic, Ack]]:
        """Commit what the messages bring, and return the answers to be sent.

        Raises sqlite3.Error when nothing could be committed: then nothing has changed and nothing is answered.
        """
        turn = Turn(self._state)
        try:
            with self._journal.transaction():
                for message in messages:
                    self._one(turn, message)
                turn.counts["messages"] += len(messages)
                for name, by in turn.counts.items():
                    self._journal.count(name, by)
        except BaseException:
            self._load()
            raise
        for position, batch in turn.decoded:
            self._recent.put(position, batch)
        for key in turn.touched:
            self.records[key] = self._state.streams.get(*key).record()
        return turn.acks.build(self._clock.wall_ms(), self._highest)

    def _highest(self, site: str, device: str, epoch: str) -> int:
        stream = self._state.streams.find(site, device, epoch)
        return 0 if stream is None else stream.highest

    def _one(self, turn: Turn, message: Incoming) -> None:
        try:
            topic = parse_topic(message.topic)
        except TopicError as error:
            turn.quarantine(message, None, Problem("bad_topic", str(error)))
            return
        is_status = topic.lane is Lane.STATUS
        if topic.lane in (Lane.ACK, Lane.CMD) or (is_status and not message.payload):
            return
        if not self._is_known(topic.site, topic.device):
            name = f"{topic.site}/{topic.device}"
            problem = Problem("unknown_site", f"{name} is not registered here; its agent keeps what it has measured")
            turn.quarantine(message, topic, problem, f"unknown {name}", b"")
            return
        try:
            (take_status if is_status else take_batch)(turn, topic, message)
        except Rejected as error:
            digest = turn.quarantine(message, topic, Problem(error.reason, str(error)))
            if not is_status:
                turn.acks.refused(topic, digest, error.reason)


__all__ = ["Incoming", "Ingestor"]
