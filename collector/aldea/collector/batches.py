"""One batch into the journal: what is bad is left out, what is known is compared, the rest is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aldea.collector.duplicates import compare
from aldea.collector.journal import EntryKind, NewEntry
from aldea.collector.journal.entries import SpanState
from aldea.collector.rejecting import reject, reject_rows
from aldea.collector.selection import select
from aldea.collector.validate import Problem, bad_rows, mono_extent, owner_problem, time_problem
from aldea.model.columns import decode_columns
from aldea.model.wire import Rejected

if TYPE_CHECKING:
    from aldea.collector.streams import Stream
    from aldea.collector.turn import Incoming, Turn
    from aldea.model.columns import Batch, Bools
    from aldea.model.sample import Row
    from aldea.model.topics import Topic


def take_batch(turn: Turn, topic: Topic, message: Incoming) -> None:
    """Take a batch in and note the answer. Raises Rejected when it cannot be read or isn't its sender's."""
    batch = turn.batch_of(message)
    header = batch.header
    problem = owner_problem(topic, header.site, header.device)
    if problem is not None:
        raise Rejected(problem.reason, problem.sentence)
    stream = turn.state.streams.get(header.site, header.device, header.epoch)
    turn.touched[header.site, header.device, header.epoch] = stream
    turn.acks.heard(topic, header.epoch, header.sent_mono_ms)
    keep = _leave_out_known(turn, topic, stream, message, batch)
    problem = time_problem(header, message.arrival_ms)
    if problem is not None:
        reject(turn, topic, stream, message, batch, problem)
        return
    boot = turn.state.boots.get(header.site, header.device, header.boot_id, header.boot_no, header.anchor, stream.id)
    bad = bad_rows(batch, message.arrival_ms)
    if bad:
        keep = np.ones(header.rows, dtype=bool) if keep is None else keep
        reject_rows(turn, topic, stream, message, batch, bad, keep)
    _store(turn, topic, stream, boot.id, message, batch, keep)
    turn.state.boots.place_unknown(header.site, header.device)


def _leave_out_known(turn: Turn, topic: Topic, stream: Stream, message: Incoming, batch: Batch) -> Bools | None:
    """Acknowledge again what the journal has, and tell apart what only bears the same seq.

    Return which rows are new; None when all are.
    """
    first, last = batch.header.first_seq, batch.header.last_seq
    overlap = stream.stored.overlap(first, last)
    if not overlap:
        return None
    keep = np.ones(batch.header.rows, dtype=bool)
    same, different = compare(batch, turn.state.journal.payloads(stream.id, first, last), overlap)
    for low, high in overlap:
        keep[low - first : high - first + 1] = False
    for low, high in same:
        turn.acks.stored(topic, stream.epoch, low, high)
        turn.counts["rows_duplicate"] += high - low + 1
    if len(different):
        turn.acks.conflict(topic, stream.epoch, different)
        turn.counts["rows_conflict"] += len(different)
        problem = Problem("conflict", f"seqs {list(different)[:5]} stand for other rows in the journal")
        what = f"conflict {topic.site}/{topic.device}/{stream.epoch} {list(different)[:5]}"
        turn.quarantine(message, topic, problem, what)
    return keep


def _store(
    turn: Turn, topic: Topic, stream: Stream, boot: int, message: Incoming, batch: Batch, keep: Bools | None
) -> None:
    if keep is None or bool(keep.all()):
        _append(turn, topic, stream, boot, message, batch, message.payload)
        return
    for payload in select(batch, keep):
        _append(turn, topic, stream, boot, message, decode_columns(payload), payload)


def _append(
    turn: Turn, topic: Topic, stream: Stream, boot: int, message: Incoming, batch: Batch, payload: bytes
) -> None:
    header = batch.header
    if not header.rows:
        turn.append(
            NewEntry(
                EntryKind.BATCH, topic.site, topic.device, topic.lane.value, message.arrival_ms, payload, boot=boot
            ),
            batch,
        )
        return
    first, last = header.first_seq, header.last_seq
    low, high = mono_extent(batch)
    turn.append(
        NewEntry(
            EntryKind.BATCH,
            topic.site,
            topic.device,
            topic.lane.value,
            message.arrival_ms,
            payload,
            stream.id,
            boot,
            first,
            last,
            low,
            high,
        ),
        batch,
    )
    turn.state.boots.extend(boot, low, high)
    stream.stored.add(first, last)
    turn.acks.stored(topic, stream.epoch, first, last)
    turn.counts["rows_stored"] += header.rows
    _note_tombstones(turn, stream, batch)


def _note_tombstones(turn: Turn, stream: Stream, batch: Batch) -> None:
    """Take in what the agent says it gave up: seqs below the tombstone's own, or of an epoch that it names."""
    if not any(block.spec.measurement == "tombstone" for block in batch.blocks):
        return
    for row in batch.rows():
        if row.measurement != "tombstone":
            continue
        first, last, epoch = (row.fields.get(name) for name in ("first_seq", "last_seq", "epoch"))
        if type(first) is not int or type(last) is not int or not 1 <= first <= last:
            continue
        if isinstance(epoch, str) and epoch != stream.epoch:
            _give_up(turn, turn.state.streams.get(stream.site, stream.device, epoch[:32]), first, last, row)
        elif last < row.seq:
            _give_up(turn, stream, first, last, row)


def _give_up(turn: Turn, stream: Stream, first: int, last: int, row: Row) -> None:
    reason = str(row.fields.get("reason", ""))
    turn.state.journal.add_span(stream.id, SpanState.TOMBSTONE, first, last, reason)
    stream.tombstones.add(first, last)
    turn.touched[stream.site, stream.device, stream.epoch] = stream
