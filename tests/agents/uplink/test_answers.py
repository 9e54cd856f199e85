"""docs/delivery.md from the agent's side: what is stored, sent again, cut in two or a dead letter."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from agentkit.making import SERVER_AHEAD_MS, held_rows, moment, ping, seqs
from agentkit.model_collector import ModelCollector
from agentkit.talking import FAST, Story, headers, spans
from aldea.model.topics import Lane
from aldea.model.wire import decode

if TYPE_CHECKING:
    from aldea.agents.outbox import Outbox


def test_stored_rows_are_deleted_and_the_rest_is_kept(outbox: Outbox) -> None:
    outbox.append([ping()] * 9, 2_000)
    story = Story(outbox)
    story.connect()
    story.ack((1, 4), (7, 8))
    assert seqs(held_rows(outbox)) == [5, 6, 9, 10]


def test_a_batch_unanswered_goes_again_with_the_same_seqs_and_a_new_header(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    story = Story(outbox)
    (first,) = headers(story.connect())
    story.wait(29_000)
    assert len(headers(story.out)) == 1
    story.ack((900, 900))  # the collector is there
    (again,) = headers(story.wait(2_000))
    assert (again.first_seq, again.last_seq) == (first.first_seq, first.last_seq)
    assert again.sent_mono_ms > first.sent_mono_ms


def test_what_of_a_batch_was_answered_does_not_go_again(outbox: Outbox) -> None:
    outbox.append([ping()] * 9, 2_000)
    story = Story(outbox)
    story.connect()
    story.clock.advance(500)
    story.ack((4, 6))
    assert sorted(spans(story.wait(31_000))) == [(1, 3), (7, 10)]


def test_a_batch_unanswered_five_times_is_cut_in_two(outbox: Outbox) -> None:
    outbox.append([ping()] * 7, 2_000)
    story = Story(outbox)
    story.connect()
    for _ in range(3_000):
        story.ack((900, 900))
        story.wait(1_000)
    sizes = [header.rows for header in headers(story.out) if header.rows]
    assert sizes[:5] == [8] * 5
    assert sizes[5:7] == [4, 4]
    assert min(sizes) < 4
    assert outbox.stats().rows == 8


def test_one_row_that_is_never_answered_does_not_stop_the_others(outbox: Outbox) -> None:
    outbox.append([ping()] * 7, 2_000)
    story = Story(outbox)
    story.connect()
    answered: set[int] = set()
    for _ in range(6_000):
        for header in headers(story.out):
            if not header.first_seq <= 5 <= header.last_seq:
                answered.update(range(header.first_seq, header.last_seq + 1))
                story.ack((header.first_seq, header.last_seq))
        story.ack((900, 900))
        story.out.clear()
        story.wait(1_000)
    assert seqs(held_rows(outbox)) == [5]


def test_when_nobody_listens_births_are_repeated_and_no_batch_is_spent(outbox: Outbox) -> None:
    outbox.append([ping()] * 9, 2_000)
    story = Story(outbox)
    story.connect()
    story.out.clear()
    for _ in range(1_000):
        story.wait(1_000)
    assert headers(story.out) == []
    assert 6 <= len(story.out) <= 7
    assert spans(story.ack(echo=story.birth().mono_ms)) != []


def test_a_collector_that_started_again_gets_at_once_what_was_under_way(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    story = Story(outbox)
    assert spans(story.connect()) == [(1, 5)]
    story.wait(10_000)
    assert spans(story.ack(echo=story.birth().mono_ms)) == [(1, 5)]


def test_a_collector_that_started_again_at_once_gets_what_was_under_way_within_seconds(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    story = Story(outbox)
    assert spans(story.connect()) == [(1, 5)]
    story.wait(2_000)
    assert spans(story.ack(echo=story.birth().mono_ms)) == []
    story.out.clear()
    for _ in range(6):
        story.wait(1_000)
    assert spans(story.out) == [(1, 5)]


def test_what_went_after_the_collector_had_started_again_is_not_sent_again(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    story = Story(outbox)
    assert spans(story.connect()) == [(1, 5)]
    story.wait(2_000)
    story.ack(echo=story.birth().mono_ms)
    story.clock.advance(1_000)
    assert spans(story.record(2, urgent=True)) == [(6, 7)]
    story.out.clear()
    for _ in range(8):
        story.wait(1_000)
    assert spans(story.out) == [(1, 5)]


def test_a_birth_that_was_answered_twice_makes_nothing_go_twice(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    story = Story(outbox)
    assert spans(story.connect()) == [(1, 5)]
    story.wait(1_000)
    assert spans(story.ack(echo=story.birth().mono_ms)) == []
    story.wait(1_000)
    story.ack((1, 5))
    story.out.clear()
    for _ in range(60):
        story.wait(1_000)
    assert [span for span in spans(story.out) if span[1] >= span[0]] == []


def test_a_connection_that_breaks_leaves_its_batches_to_the_next_one(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    story = Story(outbox)
    assert spans(story.connect()) == [(1, 5)]
    story.talk.disconnected()
    assert story.wait(60_000) == []
    assert [span for span in spans(story.connect()) if span != (6, 5)] == [(1, 5)]


def test_rejected_and_conflicting_rows_become_dead_letters_and_their_neighbours_are_stored(outbox: Outbox) -> None:
    outbox.append([ping()] * 5, 2_000)
    story = Story(outbox)
    story.connect()
    story.ack((1, 2), (5, 6), rejected=((3, 3, "out_of_range"),), conflict=((4, 4),))
    letters = [(letter.row.seq, letter.reason) for letter in outbox.dead_letters()]
    assert letters == [(3, "out_of_range"), (4, "conflict")]
    assert held_rows(outbox) == []


def test_a_refused_message_is_cut_in_two_and_one_refused_row_alone_is_a_dead_letter(outbox: Outbox) -> None:
    outbox.append([ping()] * 3, 2_000)
    story = Story(outbox)
    fresh = story.connect()
    while fresh:
        refused = []
        for item in fresh:
            header, _ = decode(item.payload)
            if header.first_seq <= 3 <= header.last_seq:
                refused.append((hashlib.sha256(item.payload).hexdigest()[:16], "malformed"))
            else:
                story.ack((header.first_seq, header.last_seq))
        fresh = story.ack(epoch="", refused=tuple(refused)) if refused else []
    assert [(letter.row.seq, letter.reason) for letter in outbox.dead_letters()] == [(3, "malformed")]
    (told,) = held_rows(outbox)
    assert (told.measurement, told.fields["first_seq"], told.fields["last_seq"]) == ("tombstone", 3, 3)


def test_the_model_collector_and_a_calm_link_leave_nothing_behind(outbox: Outbox) -> None:
    outbox.append([ping(n) for n in range(100)], 2_000)
    story = Story(outbox, replace(FAST, live_rows=10, bulk_rows=20))
    collector = ModelCollector()
    pending = story.connect(hello=False)
    while pending:
        message = pending.pop(0)
        payload = collector.answer(message, SERVER_AHEAD_MS + story.clock.mono_ms())
        assert payload is not None
        pending += story.talk.received(Lane.ACK, payload, moment(story.clock))
    assert outbox.stats().rows == 0
    assert sorted(seq for _, seq in collector.stored) == list(range(1, 102))
    assert collector.duplicates == 0
