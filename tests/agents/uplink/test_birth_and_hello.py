"""docs/delivery.md from the agent's side: birth, hello, epoch and farewell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agentkit.making import IDENTITY, moment, ping
from agentkit.talking import FAST, Story, headers, spans
from aldea.agents.uplink import Conversation
from aldea.model.clock import ManualClock
from aldea.model.messages import Command, Will, encode_command, parse_status
from aldea.model.topics import Lane

if TYPE_CHECKING:
    from aldea.agents.outbox import Outbox


def test_the_birth_says_what_the_outbox_holds(outbox: Outbox) -> None:
    outbox.append([ping()] * 4, 2_000)
    outbox.acknowledge(outbox.epoch, [(1, 2)])
    story = Story(outbox)
    (message,) = story.connect(hello=False)
    assert (message.lane, message.qos, message.retain) == (Lane.STATUS, 1, True)
    birth = story.birth()
    assert (birth.first_seq, birth.last_seq, birth.epoch) == (3, 5, outbox.epoch)
    assert (birth.boot_id, birth.boot_no, birth.mono_ms) == (outbox.boot.boot_id, 1, 50_000)
    assert (birth.sample_seconds, birth.send_seconds, birth.sees) == (60, 300, {"clients": False})


def test_birth_and_will_carry_the_number_of_the_connection_which_grows(outbox: Outbox) -> None:
    story = Story(outbox)
    numbers = []
    for _ in range(3):
        will = story.talk.connecting(moment(story.clock))
        story.keep(story.talk.connected(moment(story.clock)))
        assert story.birth().connection == will.connection
        assert will.reason == "lost"
        numbers.append(will.connection)
        story.talk.disconnected()
    assert numbers == sorted(set(numbers))


def test_no_batch_goes_before_the_hello_of_this_connection(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    assert headers(story.record(5, urgent=True)) == []
    assert headers(story.wait(400_000)) == []
    assert spans(story.ack(echo=story.birth().mono_ms)) == [(1, 6)]
    story.talk.disconnected()
    assert headers(story.connect(hello=False)) == []
    assert headers(story.record(1, urgent=True)) == []


def test_the_birth_is_repeated_with_growing_pauses_until_the_hello_comes(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    times = [second for second in range(1, 6_001) if story.wait(1_000)]
    pauses = [after - before for before, after in zip([0, *times], times, strict=False)]
    for pause, usual in zip(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600], strict=False):
        assert usual <= pause <= 1.5 * usual + 1
    assert len(pauses) >= 12
    story.ack(echo=story.birth().mono_ms)
    story.out.clear()
    story.wait(20_000)
    assert [item for item in story.out if item.lane is Lane.STATUS] == []


def test_an_agent_that_was_welcome_before_asks_at_its_leisure(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect()
    story.talk.disconnected()
    story.connect(hello=False)
    times = [second for second in range(1, 1_000) if story.wait(1_000)]
    assert 4 <= len(times) <= 6
    assert IDENTITY.share > 0.1
    assert times[0] == math.ceil(15 * (1 + IDENTITY.share / 2))


def test_a_site_registered_just_after_the_first_birth_waits_for_no_more_than_seconds(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    story.out.clear()
    story.wait(3_000)
    assert [item.lane for item in story.out] == [Lane.STATUS]
    story.ack(echo=story.birth().mono_ms)
    assert story.talk.listening


def test_a_hello_of_another_epoch_is_none(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    assert story.ack(echo=story.birth().mono_ms, epoch="f" * 16) == []
    assert not story.talk.listening


def test_an_answer_to_several_messages_at_once_is_a_hello_too(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    story.ack((7, 9), echo=story.birth().mono_ms)
    assert story.talk.listening


def test_an_outbox_restored_from_an_old_copy_begins_a_new_epoch_before_anything_is_sent(outbox: Outbox) -> None:
    outbox.append([ping()] * 3, 2_000)
    old = outbox.epoch
    story = Story(outbox)
    out = story.connect(highest=900)
    assert headers(out) == []
    assert outbox.epoch != old
    birth = story.birth()
    assert (birth.epoch, birth.first_seq, birth.last_seq) == (outbox.epoch, 1, 4)
    (header,) = headers(story.ack(echo=birth.mono_ms))
    assert (header.epoch, header.first_seq, header.last_seq) == (outbox.epoch, 1, 4)


def test_an_answer_about_rows_that_were_never_sent_deletes_nothing(outbox: Outbox) -> None:
    outbox.append([ping()] * 3, 2_000)
    story = Story(outbox)
    story.connect(hello=False)
    story.ack((1, 4))
    assert outbox.stats().rows == 4


def test_an_outbox_replaced_under_way_is_announced_by_a_new_birth(outbox: Outbox) -> None:
    outbox.append([ping()] * 3, 2_000)
    story = Story(outbox)
    story.connect()
    outbox.move_to_new_epoch()
    (message,) = story.wait(1_000)
    assert message.lane is Lane.STATUS
    assert story.birth().epoch == outbox.epoch


def test_the_farewell_has_the_connections_number_and_says_that_it_was_meant(outbox: Outbox) -> None:
    story = Story(outbox)
    assert story.talk.farewell() == []
    story.connect()
    (message,) = story.talk.farewell()
    will = parse_status(message.payload)
    assert will == Will("village", "agent", story.birth().connection, "stopped")
    assert (message.lane, message.qos, message.retain) == (Lane.STATUS, 1, True)


def test_what_cannot_be_read_does_not_end_the_conversation(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect()
    for payload in (b"", b"{}", b'{"v":1,"e":1}', b"\xff\xfe", b'{"v":1,"e":"x","t":1,"h":1,"s":[[1]]}'):
        assert story.talk.received(Lane.ACK, payload, moment(story.clock)) == []
        assert story.talk.received(Lane.CMD, payload, moment(story.clock)) == []


def test_a_command_is_handed_over_as_it_came(outbox: Outbox) -> None:
    taken: list[Command] = []
    talk = Conversation(outbox, IDENTITY, FAST, taken.append)
    asked = Command("one", "test", {"probe": "ping"}, 5)
    assert talk.received(Lane.CMD, encode_command(asked), moment(ManualClock(mono_ms=1))) == []
    assert taken == [asked]
