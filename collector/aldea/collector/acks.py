"""Putting the answers of one group of messages together: one acknowledgement a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.model.intervals import IntervalSet
from aldea.model.messages import Ack
from aldea.model.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.model.intervals import Range


@dataclass(slots=True)
class _Answer:
    echo_mono_ms: int | None = None
    stored: IntervalSet = field(default_factory=IntervalSet)
    conflict: IntervalSet = field(default_factory=IntervalSet)
    rejected: list[tuple[int, int, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


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
        self._of(topic, epoch).rejected.append((*span, reason))

    def refused(self, topic: Topic, digest: str, reason: str) -> None:
        """Note a message that could not be read; its sender knows it by its digest."""
        self._of(topic, "").refused.append((digest, reason))

    def build(self, server_ms: int, highest: Callable[[str, str, str], int]) -> list[tuple[Topic, Ack]]:
        """Return the acknowledgements with their topics."""
        return [
            (
                Topic(site, device, Lane.ACK),
                Ack(
                    epoch=epoch,
                    server_ms=server_ms,
                    echo_mono_ms=answer.echo_mono_ms,
                    highest_seq=highest(site, device, epoch),
                    stored=list(answer.stored),
                    rejected=answer.rejected,
                    conflict=list(answer.conflict),
                    refused=answer.refused,
                ),
            )
            for (site, device, epoch), answer in self._answers.items()
        ]

    def _of(self, topic: Topic, epoch: str) -> _Answer:
        return self._answers.setdefault((topic.site, topic.device, epoch), _Answer())
