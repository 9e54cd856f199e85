"""Births and wills into the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.boots import DISTRUST_MS
from aldea.collector.journal import EntryKind, NewEntry
from aldea.collector.validate import anchor_problem, boot_problem, owner_problem
from aldea.model.messages import Birth, parse_status
from aldea.model.topics import Lane
from aldea.model.wire import Rejected

if TYPE_CHECKING:
    from aldea.collector.turn import Incoming, Turn
    from aldea.model.topics import Topic


def take_status(turn: Turn, topic: Topic, message: Incoming) -> None:
    """Take a birth or a will in, and answer a birth. Raises Rejected when it cannot be read or isn't its sender's.

    Every birth is answered, retained ones too: the agent may be waiting since before this collector started.
    """
    status = parse_status(message.payload)
    problem = owner_problem(topic, status.site, status.device)
    if problem is not None:
        raise Rejected(problem.reason, problem.sentence)
    if isinstance(status, Birth):
        news = _birth(turn, topic, message, status)
    else:
        news = turn.state.presence.will(status, message.arrival_ms)
    if news:
        turn.state.journal.append(
            NewEntry(
                EntryKind.PRESENCE,
                topic.site,
                topic.device,
                Lane.STATUS.value,
                message.arrival_ms,
                message.payload,
            )
        )


def _birth(turn: Turn, topic: Topic, message: Incoming, birth: Birth) -> bool:
    state = turn.state
    stream = state.streams.get(topic.site, topic.device, birth.epoch)
    turn.touched[topic.site, topic.device, birth.epoch] = stream
    turn.acks.heard(topic, birth.epoch, birth.mono_ms)
    news = state.presence.birth(birth, message.arrival_ms, retained=message.retained)
    if not (news or state.presence.is_newest(birth)):
        return False
    held_from, announced = birth.first_seq, birth.last_seq
    if not news:  # the same birth again, said anew by the agent or remembered by the broker: it only grows
        held_from, announced = max(held_from, stream.held_from), max(announced, stream.announced)
    if (held_from, announced) != (stream.held_from, stream.announced):
        stream.held_from, stream.announced = held_from, announced
        state.journal.announce(stream.id, held_from, announced)
    if boot_problem(birth.mono_ms, message.arrival_ms) is None:
        believed = not message.retained and _holds(birth, message.arrival_ms)
        anchor = birth.anchor if believed else None
        state.boots.get(topic.site, topic.device, birth.boot_id, birth.boot_no, anchor, stream.id)
        state.boots.place_unknown(topic.site, topic.device)
    return news


def _holds(birth: Birth, arrival_ms: int) -> bool:
    """Say whether a birth knows the time. It may be said before the agent has heard the server's.

    Once heard, it corrects an NTP that is wrong: then the batches say so, but not a birth that the broker retained.
    """
    anchor = birth.anchor
    if anchor is None or anchor_problem(anchor, birth.mono_ms, arrival_ms) is not None:
        return False
    return abs(birth.mono_ms + anchor.offset_ms - arrival_ms) <= DISTRUST_MS
