"""A group of messages into the journal: decode, validate, commit, and only then the answers."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from aldea.collector.batches import take_batch
from aldea.collector.coverage import Coverage
from aldea.collector.foreign.taking import ForeignIncoming
from aldea.collector.status import take_status
from aldea.collector.turn import Incoming, State, Turn
from aldea.collector.validate import Problem
from aldea.model.topics import Lane, Topic, TopicError, parse_topic
from aldea.model.wire import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aldea.collector.foreign.taking import ForeignIntake
    from aldea.collector.journal import Journal
    from aldea.collector.recent import RecentBatches
    from aldea.model.clock import Clock
    from aldea.model.messages import Ack

log = logging.getLogger(__name__)

Answers = list[tuple[Topic, "Ack"]]


class Ingestor:
    """Takes groups of messages. One thread uses it; `coverage` may be read by others.

    `is_known` says whether a (site, device) is registered: what comes from others is noted and not answered, so
    that its agent keeps it until somebody registers the site. Foreign messages are taken if there is a `foreign`.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        is_known: Callable[[str, str], bool],
        recent: RecentBatches,
        foreign: ForeignIntake | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._is_known = is_known
        self._recent = recent
        self._foreign = foreign
        self._state: State | None = None
        self.coverage = Coverage()
        self._loaded()

    def _loaded(self) -> State:
        """Return the state; read it from the journal at the start, and whenever a commit failed."""
        if self._state is None:
            self._state = State(self._journal)
            self.coverage.load(stream.record() for stream in self._state.streams.all())
        return self._state

    def take(self, messages: Sequence[Incoming]) -> Answers:
        """Commit what the messages bring, and return the answers to be sent.

        Raises sqlite3.Error when the journal cannot be written now: then nothing is answered, and the same messages
        may be given again. A message that nobody foresaw goes to the quarantine alone, its neighbours are taken.
        """
        try:
            return self._commit(messages)
        except Exception as error:
            if not _is_of_the_message(error):
                raise
            log.exception("%d messages cannot be taken together: each is tried alone", len(messages))
        answers: Answers = []
        for message in messages:
            answers += self._alone(message)
        return answers

    def _alone(self, message: Incoming) -> Answers:
        try:
            return self._commit([message])
        except Exception as error:
            if not _is_of_the_message(error):
                raise
            return self._commit([message], error)

    def _commit(self, messages: Sequence[Incoming], fault: Exception | None = None) -> Answers:
        state = self._loaded()
        turn = Turn(state)
        ours = [message for message in messages if not isinstance(message, ForeignIncoming)]
        turn.decode(ours)
        try:
            with self._journal.transaction():
                for message in ours:
                    self._one(turn, message, fault)
                if self._foreign is not None:
                    foreign = self._foreign.begin(turn)
                    for other in messages:
                        if isinstance(other, ForeignIncoming):
                            foreign.take(other, fault)
                    foreign.write()
                turn.counts["messages"] += len(messages)
                self._journal.count(turn.counts)
        except BaseException:
            # What is in memory may tell of rows that are not in the journal: it must not answer for them.
            self._state = None
            raise
        self._recent.put(turn.decoded)
        self.coverage.put([stream.record() for stream in turn.touched.values()])
        return turn.acks.build(self._clock.wall_ms(), state.streams.highest)

    def _one(self, turn: Turn, message: Incoming, fault: Exception | None) -> None:
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
            if fault is not None:
                raise Rejected("internal_error", f"taking it in failed: {type(fault).__name__}")
            (take_status if is_status else take_batch)(turn, topic, message)
        except Rejected as error:
            digest = turn.quarantine(message, topic, Problem(error.reason, str(error)))
            if not is_status:
                turn.acks.refused(topic, digest, error.reason)


def _is_of_the_message(error: Exception) -> bool:
    """Tell a message that cannot be taken from a journal that cannot be written."""
    if isinstance(error, sqlite3.Error):
        return isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
    return not isinstance(error, MemoryError)


__all__ = ["Incoming", "Ingestor"]
