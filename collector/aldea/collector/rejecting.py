"""Rows that will never be accepted: into the quarantine, once, and the answer says so, each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aldea.collector.journal.entries import SpanState
from aldea.collector.validate import BadRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.streams import Stream
    from aldea.collector.turn import Incoming, Turn
    from aldea.collector.validate import Problem
    from aldea.model.columns import Batch, Bools
    from aldea.model.intervals import Range
    from aldea.model.topics import Topic

MOST_RUNS = 50
"""How many runs of bad rows of one message are kept apart; with more, the message is kept as one thing."""

ROWS_KEPT = 100


def reject(turn: Turn, topic: Topic, stream: Stream, message: Incoming, batch: Batch, problem: Problem) -> None:
    """Reject all of a batch that is not stored. An empty one has nothing to reject, but is kept to look at."""
    header = batch.header
    if not header.rows:
        what = f"{problem.reason} {topic.site}/{topic.device}/{header.boot_id}"
        turn.quarantine(message, topic, problem, what)
        return
    for span in stream.stored.missing(header.first_seq, header.last_seq):
        _reject_span(turn, topic, stream, message, span, problem, message.payload)


def reject_rows(
    turn: Turn, topic: Topic, stream: Stream, message: Incoming, batch: Batch, bad: Sequence[BadRow], keep: Bools
) -> None:
    """Reject single rows that are not stored, and take them out of `keep`."""
    first = batch.header.first_seq
    bad = [item for item in bad if keep[item.seq - first]]
    if not bad:
        return
    runs = _runs(bad)
    rows = {row.seq: row for row in batch.rows()} if len(runs) <= MOST_RUNS else {}
    if not rows:
        what = f"rows {topic.site}/{topic.device}/{stream.epoch} {bad[0].seq}-{bad[-1].seq} ({len(bad)})"
        turn.quarantine(message, topic, bad[0].problem, what)
    for low, high, problem in runs:
        keep[low - first : high - first + 1] = False
        if rows:
            kept = [rows[seq] for seq in range(low, min(high, low + ROWS_KEPT - 1) + 1)]
            text = json.dumps([[r.seq, r.mono_ms, r.measurement, dict(r.tags), dict(r.fields)] for r in kept])
            _reject_span(turn, topic, stream, message, (low, high), problem, text.encode())
        else:
            _note_rejected(turn, topic, stream, (low, high), problem)


def _runs(bad: Sequence[BadRow]) -> list[tuple[int, int, Problem]]:
    """Join neighbouring bad rows with the same reason."""
    runs: list[tuple[int, int, Problem]] = []
    for item in bad:
        if runs and runs[-1][1] == item.seq - 1 and runs[-1][2].reason == item.problem.reason:
            runs[-1] = (runs[-1][0], item.seq, runs[-1][2])
        else:
            runs.append((item.seq, item.seq, item.problem))
    return runs


def _reject_span(
    turn: Turn, topic: Topic, stream: Stream, message: Incoming, span: Range, problem: Problem, payload: bytes
) -> None:
    what = f"rows {topic.site}/{topic.device}/{stream.epoch} {span[0]}-{span[1]}"
    new = stream.rejected.missing(*span)
    # Rows that were rejected before may come again in another cut: they are in the quarantine already.
    if new or not turn.state.journal.seen_again(what, message.arrival_ms):
        for first, last in new:
            what = f"rows {topic.site}/{topic.device}/{stream.epoch} {first}-{last}"
            turn.quarantine(message, topic, problem, what, payload)
    _note_rejected(turn, topic, stream, span, problem)


def _note_rejected(turn: Turn, topic: Topic, stream: Stream, span: Range, problem: Problem) -> None:
    turn.acks.rejected(topic, stream.epoch, span, problem.reason)
    for first, last in stream.rejected.missing(*span):
        turn.state.journal.add_span(stream.id, SpanState.REJECTED, first, last, problem.reason)
        stream.rejected.add(first, last)
        turn.counts["rows_rejected"] += last - first + 1
