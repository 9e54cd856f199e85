"""Putting the answers of one group of messages together: one acknowledgement a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.model.intervals import IntervalSet
from aldea.model.messages import Ack
from aldea.model.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aldea.model.intervals import Range

    _Part = tuple[list[Range], list[tuple[int, int, str]], list[Range], list[tuple[str, str]]]

ITEMS_MOST = 100
"""Of each kind in one acknowledgement: an agent reads no more than 16 KiB."""


@dataclass(slots=True)
class _Answer:
    echo_mono_ms: int | None = None
    stored: IntervalSet = field(default_factory=IntervalSet)
    conflict: IntervalSet = field(default_factory=IntervalSet)
    rejected: dict[str, IntervalSet] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def parts(self) -> Iterator[_Part]:
        """Yield what was noted in pieces of at most 100 items of a kind; one piece without items if there are none."""
        stored, conflict = list(self.stored), list(self.conflict)
        rejected = [(*span, reason) for reason, spans in self.rejected.items() for span in spans]
        longest = max(len(stored), len(conflict), len(rejected), len(self.refused), 1)
        for start in range(0, longest, ITEMS_MOST):
            end = start + ITEMS_MOST
            yield stored[start:end], rejected[start:end], conflict[start:end], self.refused[start:end]


class AckBuilder:
    """Collects what became of the messages of one group."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], _Answer] = {}

    def heard(self, topic: Topic, epoch: str, sent_mono_ms: int) -> None:
        """Note that something was sent at `sent_mono_ms` of the agent's boot; the newest is echoed."""
        answer = self._of(topic, epoch)
        answer.echo_mono_ms = max(answer.echo_mono_ms or 0, sent_mono_ms)

    def stored(self, topic: Topic, epoch: str, first: int, last: int) -> None:
        """Note seqs that are in the journal, now or already before."""
        self._of(topic, epoch).stored.add(first, last)

    def conflict(self, topic: Topic, epoch: str, ranges: IntervalSet) -> None:
        """Note seqs that stand for something else in the journal."""
        for first, last in ranges:
            self._of(topic, epoch).conflict.add(first, last)

    def rejected(self, topic: Topic, epoch: str, span: Range, reason: str) -> None:
        """Note seqs that will never be accepted."""
        self._of(topic, epoch).rejected.setdefault(reason, IntervalSet()).add(*span)

    def refused(self, topic: Topic, digest: str, reason: str) -> None:
        """Note a message that could not be read; its sender knows it by its digest."""
        self._of(topic, "").refused.append((digest, reason))

    def build(self, server_ms: int, highest: Callable[[str, str, str], int]) -> list[tuple[Topic, Ack]]:
        """Return the acknowledgements with their topics; one that would grow too long for an agent becomes several."""
        built: list[tuple[Topic, Ack]] = []
        for (site, device, epoch), answer in self._answers.items():
            topic, known = Topic(site, device, Lane.ACK), highest(site, device, epoch)
            for stored, rejected, conflict, refused in answer.parts():
                ack = Ack(epoch, server_ms, answer.echo_mono_ms, known, stored, rejected, conflict, refused)
                built.append((topic, ack))
        return built

    def _of(self, topic: Topic, epoch: str) -> _Answer:
        key = (topic.site, topic.device, epoch)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = _Answer()
        return answer
