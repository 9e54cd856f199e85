"""One village's conversation, said and heard without a broker."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from aldea.model.columns import Batch, decode_columns
from aldea.model.messages import Ack, Birth, Will, parse_status
from aldea.simulator.conversation import Conversation
from aldea.simulator.fleet import registrations
from aldea.simulator.flight import Outgoing
from aldea.simulator.plan import DAY_MS, MINUTE_MS, plan_ending_at
from aldea.simulator.village import Village

NOW_MS = 1_764_000_000_000
PLAN = plan_ending_at(NOW_MS, 3, 3)
SITE = next(site for site in registrations() if site.story == "idle")


def talk_of(site_story: str = "idle") -> Conversation:
    site = next(site for site in registrations() if site.story == site_story)
    return Conversation(Village(site, PLAN), 300_000)


def birth_of(messages: list[Outgoing]) -> Birth:
    [message] = messages
    status = parse_status(message.payload)
    assert isinstance(status, Birth)
    assert message.retain
    return status


def batch_of(messages: list[Outgoing]) -> Batch:
    [message] = messages
    return decode_columns(message.payload)


def hello(talk: Conversation, birth: Birth, highest: int = 0, now_ms: int = NOW_MS) -> None:
    talk.hear(Ack(birth.epoch, now_ms, birth.mono_ms, highest), now_ms)


def test_nothing_is_sent_before_the_hello_and_the_birth_is_repeated_with_growing_pauses() -> None:
    talk = talk_of()
    births = []
    for second in range(1_300):
        said = talk.step(NOW_MS + second * 1000, room=True)
        births += [second for _ in said]
        for message in said:
            assert isinstance(parse_status(message.payload), Birth)
    assert births == [0, 15, 45, 105, 225, 465, 945]


def test_an_answer_of_another_epoch_changes_nothing() -> None:
    talk = talk_of()
    birth = birth_of(talk.step(NOW_MS, room=True))
    talk.hear(Ack("0" * 16, NOW_MS, birth.mono_ms, 99), NOW_MS)
    assert talk.step(NOW_MS + 1000, room=True) == []
    assert talk.acked == 0


def test_a_part_of_a_batch_that_is_acknowledged_is_not_all_of_it() -> None:
    talk = talk_of()
    birth = birth_of(talk.step(NOW_MS, room=True))
    hello(talk, birth)
    header = batch_of(talk.step(NOW_MS, room=True)).header
    talk.hear(Ack(birth.epoch, NOW_MS, 1, header.last_seq, stored=[(2, header.last_seq)]), NOW_MS)
    assert talk.acked == 0
    assert talk.step(NOW_MS + 1, room=True) == []
    talk.hear(Ack(birth.epoch, NOW_MS, 1, header.last_seq, rejected=[(1, 1, "out_of_range")]), NOW_MS)
    assert talk.acked == header.last_seq
    assert talk.trouble.rejected == 1
    assert batch_of(talk.step(NOW_MS + 2, room=True)).header.first_seq == header.last_seq + 1


def test_a_conflict_is_counted_and_gone_past() -> None:
    talk = talk_of()
    birth = birth_of(talk.step(NOW_MS, room=True))
    hello(talk, birth)
    header = batch_of(talk.step(NOW_MS, room=True)).header
    talk.hear(Ack(birth.epoch, NOW_MS, 1, 0, conflict=[(1, header.last_seq)]), NOW_MS)
    assert (talk.acked, talk.trouble.conflict) == (header.last_seq, header.rows)


def test_a_batch_that_cannot_be_read_is_halved_until_the_bad_row_is_alone() -> None:
    talk = talk_of()
    birth = birth_of(talk.step(NOW_MS, room=True))
    hello(talk, birth)
    sizes = []
    bad_seq = 5
    for moment in range(200):
        [message] = talk.step(NOW_MS + moment, room=True)
        header = decode_columns(message.payload).header
        sizes.append(header.rows)
        if header.first_seq <= bad_seq <= header.last_seq:
            digest = hashlib.sha256(message.payload).hexdigest()[:16]
            talk.hear(Ack("", NOW_MS, None, 0, refused=[(digest, "malformed")]), NOW_MS)
        else:
            talk.hear(Ack(birth.epoch, NOW_MS, 1, 0, stored=[(header.first_seq, header.last_seq)]), NOW_MS)
        if talk.acked > 100:
            break
    assert talk.acked > 100
    assert 1 in sizes
    assert talk.trouble.refused == 1


def test_a_collector_that_begins_anew_is_given_again_what_it_does_not_know() -> None:
    talk = talk_of()
    birth = birth_of(talk.step(NOW_MS, room=True))
    hello(talk, birth)
    first = batch_of(talk.step(NOW_MS, room=True)).header
    hello(talk, birth)
    again = batch_of(talk.step(NOW_MS + 1, room=True)).header
    assert replace(again, sent_mono_ms=0, sent_wall_ms=0) == replace(first, sent_mono_ms=0, sent_wall_ms=0)


def test_without_room_a_backlog_waits() -> None:
    talk = talk_of()
    hello(talk, birth_of(talk.step(NOW_MS, room=True)))
    assert talk.step(NOW_MS, room=False) == []
    assert talk.step(NOW_MS, room=True) != []


def test_a_collector_that_knows_more_than_was_made_is_waited_for() -> None:
    talk = talk_of()
    last = Village(SITE, PLAN).last_seq(NOW_MS)
    hello(talk, birth_of(talk.step(NOW_MS, room=True)), highest=last + 5)
    for minute in range(10):
        assert talk.step(NOW_MS + minute * MINUTE_MS, room=True) == []
    later = batch_of(talk.step(NOW_MS + 30 * MINUTE_MS, room=True)).header
    assert later.first_seq == last + 6


def test_the_dead_village_has_its_past_brought_in_without_a_birth_and_is_gone_from_the_start() -> None:
    talk = talk_of("dead")
    question = batch_of(talk.step(NOW_MS, room=True))
    assert question.header.rows == 0
    last = talk.village.last_seq(talk.horizon(NOW_MS))
    talk.hear(Ack(question.header.epoch, NOW_MS, question.header.sent_mono_ms, last), NOW_MS)
    for hour in range(48):
        assert talk.step(NOW_MS + hour * DAY_MS // 24, room=True) == []
    assert talk.stop() == []
    talk.broker_came()
    assert talk.step(NOW_MS + 3 * DAY_MS, room=True) == [], "a dead village does not greet a new connection"


def test_a_village_that_is_stopped_while_it_talks_says_so() -> None:
    talk = talk_of("idle")
    birth = birth_of(talk.step(NOW_MS, room=True))
    hello(talk, birth, highest=birth.last_seq)
    assert parse_status(talk.stop()[0].payload) == Will(birth.site, birth.device, birth.connection, "stopped")


def test_a_boot_that_learns_the_time_and_has_no_rows_says_so_at_once() -> None:
    talk = talk_of("bad_clock")
    birth = birth_of(talk.step(NOW_MS, room=True))
    assert birth.anchor is None
    hello(talk, birth, highest=birth.last_seq, now_ms=NOW_MS + 900)
    talk.step(NOW_MS + 901, room=True)
    batch = batch_of(talk.step(NOW_MS + 902, room=True))
    assert batch.header.rows == 0
    anchor = batch.header.anchor
    assert anchor is not None
    assert (anchor.source, anchor.error_ms) == ("server", 450)
    assert talk.step(NOW_MS + 903, room=True) == []


def test_a_slow_answer_does_not_set_the_clock() -> None:
    talk = talk_of("bad_clock")
    birth = birth_of(talk.step(NOW_MS, room=True))
    hello(talk, birth, now_ms=NOW_MS + 9_000)
    sent = [batch_of(talk.step(NOW_MS + 9_001, room=True)).header]
    assert all(header.anchor is None or header.boot_no < birth.boot_no for header in sent)
