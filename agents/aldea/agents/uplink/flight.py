"""Which batches are under way, which must be sent again, and when one is cut in two."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from aldea.model.intervals import IntervalSet, Range
from aldea.model.topics import Lane

SPLIT_AFTER_TRIES = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """Seqs of an epoch that are to be sent again, and how often they went unanswered."""

    epoch: str
    first_seq: int
    last_seq: int
    tries: int


@dataclass(slots=True)
class Sent:
    """A batch under way; `again` when its rows had been sent before."""

    lane: Lane
    epoch: str
    first_seq: int
    last_seq: int
    tries: int
    again: bool
    digest: str
    sent_mono_ms: int
    due_mono_ms: int
    answered: IntervalSet = field(default_factory=IntervalSet)

    def outstanding(self) -> list[Range]:
        """Return the seqs that nothing was heard of yet."""
        return self.answered.missing(self.first_seq, self.last_seq)


class Flight:
    """The batches under way and those to be sent again."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.again: deque[Piece] = deque()

    def count(self, lane: Lane) -> int:
        """Return how many batches of a lane are under way."""
        return sum(item.lane is lane for item in self.sent)

    def busy(self) -> dict[str, IntervalSet]:
        """Return, by epoch, the seqs that are under way or to be sent again."""
        busy: dict[str, IntervalSet] = {}
        items: list[Sent | Piece] = [*self.sent, *self.again]
        for item in items:
            busy.setdefault(item.epoch, IntervalSet()).add(item.first_seq, item.last_seq)
        return busy

    def answer(self, epoch: str, ranges: Iterable[Range]) -> list[Range]:
        """Note that something became of `ranges`; return the part of them that we had sent.

        An answer to what this agent never sent would be about other rows with the same seqs (an outbox
        restored from an old copy), and must not delete ours.
        """
        known = self.busy().get(epoch, IntervalSet())
        ours = [part for first, last in ranges for part in known.overlap(first, last)]
        for item in self.sent:
            if item.epoch == epoch:
                for first, last in ours:
                    item.answered.add(first, last)
        self.sent = [item for item in self.sent if item.outstanding()]
        return ours

    def overdue(self, mono_ms: int) -> list[Sent]:
        """Return the batches whose answer should have come."""
        return [item for item in self.sent if mono_ms >= item.due_mono_ms]

    def by_digest(self, digest: str) -> Sent | None:
        """Return the batch with these bytes."""
        return next((item for item in self.sent if item.digest == digest), None)

    def requeue(self, item: Sent, *, unanswered: bool) -> None:
        """Send again what is outstanding; cut in two what went unanswered too often."""
        self.sent.remove(item)
        tries = item.tries + unanswered
        for first, last in item.outstanding():
            if tries >= SPLIT_AFTER_TRIES and last > first:
                self.again.extend(_halves(item.epoch, first, last))
            else:
                self.again.append(Piece(item.epoch, first, last, tries))

    def split(self, item: Sent) -> None:
        """Cut in two what could not be read, and send the halves."""
        self.sent.remove(item)
        self.again.extend(_halves(item.epoch, item.first_seq, item.last_seq))


def _halves(epoch: str, first: int, last: int) -> tuple[Piece, Piece]:
    middle = (first + last) // 2
    return Piece(epoch, first, middle, 0), Piece(epoch, middle + 1, last, 0)
