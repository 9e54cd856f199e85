"""docs/delivery.md from the agent's side: what goes when, by which lane, and how much at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from agentkit.making import held_rows, moment, ping
from agentkit.talking import FAST, Story, headers, spans
from aldea.agents.uplink import Pace
from aldea.model.topics import Lane

if TYPE_CHECKING:
    from aldea.agents.outbox import Outbox


def test_the_live_lane_has_the_newest_rows_and_the_bulk_lane_the_older_ones_oldest_first(outbox: Outbox) -> None:
    outbox.append([ping()] * 49, 2_000)
    story = Story(outbox, replace(FAST, live_rows=10, bulk_rows=15, bulk_window=9))
    out = story.connect()
    assert spans(out, Lane.LIVE) == [(41, 50)]
    assert spans(out, Lane.BULK) == [(1, 15), (16, 30), (31, 40)]
    assert out[0].lane is Lane.LIVE
    assert {item.qos for item in out if item.lane is Lane.LIVE} == {0}
    assert {item.qos for item in out if item.lane is Lane.BULK} == {1}


def test_rows_recorded_since_the_last_send_go_at_the_send_interval(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect()
    story.ack((1, 1))
    sent = []
    for minute in range(1, 11):
        story.clock.advance(60_000)
        out = story.record(2)
        sent += [(minute, span) for span in spans(out)]
        story.ack(*spans(out))
    assert sent == [(5, (2, 11)), (10, (12, 21))]


def test_a_sign_of_life_goes_even_when_nothing_was_recorded(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect()
    story.ack((1, 1))
    (header,) = headers(story.wait(360_000), Lane.LIVE)
    assert (header.rows, header.first_seq) == (0, 2)


def test_a_change_of_state_is_sent_at_once_but_flapping_only_once_a_minute(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect()
    story.ack((1, 1))
    story.wait(5_000)
    assert spans(story.record(1, urgent=True)) == [(2, 2)]
    sent = []
    for second in range(1, 130):
        story.clock.advance(1_000)
        out = story.record(1, urgent=True)
        sent += [(second, span) for span in spans(out, Lane.LIVE)]
        story.ack(*spans(out))
    assert [second for second, _ in sent] == [60, 120]


def test_only_a_few_batches_are_under_way_and_a_full_bulk_window_does_not_hold_back_the_live_lane(
    outbox: Outbox,
) -> None:
    outbox.append([ping()] * 99, 2_000)
    story = Story(outbox, replace(FAST, live_rows=10, bulk_rows=10, bulk_window=3))
    assert spans(story.connect(), Lane.BULK) == [(1, 10), (11, 20), (21, 30)]
    assert spans(story.wait(1_000)) == []
    assert spans(story.record(1, urgent=True)) == [(101, 101)]
    assert spans(story.ack((11, 20))) == [(31, 40)]


def test_the_backlog_keeps_to_its_share_of_the_link(outbox: Outbox) -> None:
    for cycle in range(40):
        outbox.append([ping(note=f"{hashlib.sha256(bytes([cycle, n])).hexdigest()}") for n in range(50)], cycle)
    pace = Pace(live_rows=10, bulk_rows=50, batch_bytes=4_000, bulk_bytes_per_second=1_000, bulk_window=99)
    story = Story(outbox, pace)
    story.connect()
    burst = sum(len(item.payload) for item in story.out if item.lane is Lane.BULK)
    for _ in range(30):
        story.wait(1_000)
    total = sum(len(item.payload) for item in story.out if item.lane is Lane.BULK)
    assert burst <= 3 * 4_000
    assert 20_000 <= total - burst <= 34_000


def test_a_batch_is_bounded_in_rows_and_in_bytes(outbox: Outbox) -> None:
    outbox.append([ping(note=hashlib.sha256(bytes([n])).hexdigest()) for n in range(200)], 2_000)
    story = Story(outbox, replace(FAST, bulk_rows=150, live_rows=5, batch_bytes=2_000, bulk_window=99))
    story.connect()
    batches = [item for item in story.out if item.lane is Lane.BULK]
    assert max(len(item.payload) for item in batches) <= 2_000
    assert spans(batches)[0][0] == 1
    assert spans(batches)[-1][1] == 196
    assert all(after[0] == before[1] + 1 for before, after in zip(spans(batches), spans(batches)[1:], strict=False))


def test_a_row_larger_than_the_broker_takes_goes_to_the_dead_letter(outbox: Outbox) -> None:
    text = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(16))
    outbox.append([ping(), ping(note=text), ping()], 2_000)
    story = Story(outbox)
    story.talk.connecting(moment(story.clock))
    story.keep(story.talk.connected(moment(story.clock), 900))
    story.ack(echo=story.birth().mono_ms)
    for _ in range(5):
        for header in headers(story.out):
            story.ack((header.first_seq, header.last_seq))
        story.wait(1_000)
    assert [(letter.row.seq, letter.reason) for letter in outbox.dead_letters()] == [(3, "too_large")]
    (told,) = held_rows(outbox)
    assert (told.measurement, told.fields["first_seq"], told.fields["last_seq"]) == ("tombstone", 3, 3)


def test_what_a_person_waits_for_is_sent_though_something_urgent_just_was(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect()
    story.ack((1, 1))
    story.wait(5_000)
    assert headers(story.record(1, urgent=True), Lane.LIVE)
    assert headers(story.record(1, urgent=True), Lane.LIVE) == []
    outbox.append([ping()], story.clock.mono_ms())
    story.talk.recorded(urgent=False, asked=True)
    assert headers(story.wait(0), Lane.LIVE)


def test_what_a_person_waits_for_goes_as_soon_as_the_full_live_lane_has_room(outbox: Outbox) -> None:
    story = Story(outbox)
    (first,) = spans(story.connect(), Lane.LIVE)
    for number in range(FAST.live_window):
        outbox.append([ping()], story.clock.mono_ms())
        story.talk.recorded(urgent=False, asked=True)
        room = number < FAST.live_window - 1
        assert bool(spans(story.wait(10), Lane.LIVE)) == room
    story.clock.advance(50)
    assert spans(story.ack(first), Lane.LIVE) == [outbox.bounds()[1:] * 2]
