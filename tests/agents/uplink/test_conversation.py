"""The agent's side of docs/delivery.md, rule by rule, without a broker."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agentkit.making import IDENTITY, OTHER_BOOT, SERVER_AHEAD_MS, held_rows, make_outbox, moment, ping, seqs
from agentkit.model_collector import ModelCollector
from aldea.agents.uplink import Conversation, Outgoing, Pace
from aldea.model.clock import ClockState, ManualClock
from aldea.model.messages import Ack, Birth, Command, Will, encode_ack, encode_command, parse_status
from aldea.model.topics import Lane
from aldea.model.wire import Anchor, decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.agents.outbox import Outbox
    from aldea.model.wire import Header

FAST = Pace(bulk_bytes_per_second=10**9)


class Story:
    """A conversation with a clock that the test moves, and all that was published so far."""

    def __init__(self, outbox: Outbox, pace: Pace = FAST) -> None:
        self.outbox = outbox
        self.clock = ManualClock(mono_ms=50_000)
        self.state = ClockState.UNSYNCED
        self.talk = Conversation(outbox, IDENTITY, pace)
        self.out: list[Outgoing] = []

    def connect(self, *, hello: bool = True, highest: int = 0) -> list[Outgoing]:
        self.talk.connecting(moment(self.clock, self.state))
        out = self.keep(self.talk.connected(moment(self.clock, self.state)))
        if hello:
            self.clock.advance(200)
            out = self.ack(highest=highest, echo=self.birth().mono_ms)
        return out

    def wait(self, milliseconds: int) -> list[Outgoing]:
        self.clock.advance(milliseconds)
        return self.keep(self.talk.tick(moment(self.clock, self.state)))

    def record(self, rows: int = 1, *, urgent: bool = False, value: int = 3) -> list[Outgoing]:
        self.outbox.append([ping(value)] * rows, self.clock.mono_ms())
        self.talk.recorded(urgent=urgent)
        return self.wait(0)

    def ack(
        self,
        *stored: tuple[int, int],
        echo: int | None = None,
        highest: int = 0,
        epoch: str | None = None,
        rejected: tuple[tuple[int, int, str], ...] = (),
        conflict: tuple[tuple[int, int], ...] = (),
        refused: tuple[tuple[str, str], ...] = (),
    ) -> list[Outgoing]:
        server_ms = self.clock.mono_ms() - 100 + SERVER_AHEAD_MS
        ack = Ack(epoch or self.outbox.epoch, server_ms, echo, highest, stored, rejected, conflict, refused)
        return self.keep(self.talk.received(Lane.ACK, encode_ack(ack), moment(self.clock, self.state)))

    def keep(self, out: list[Outgoing]) -> list[Outgoing]:
        self.out += out
        return out

    def birth(self) -> Birth:
        status = parse_status([item for item in self.out if item.lane is Lane.STATUS][-1].payload)
        assert isinstance(status, Birth)
        return status


def headers(out: list[Outgoing], lane: Lane | None = None) -> list[Header]:
    """The headers of the batches among what was published."""
    batches = [item for item in out if item.lane in (Lane.LIVE, Lane.BULK) and lane in (None, item.lane)]
    return [decode(item.payload)[0] for item in batches]


def spans(out: list[Outgoing], lane: Lane | None = None) -> list[tuple[int, int]]:
    """First and last seq of the batches among what was published."""
    return [(header.first_seq, header.last_seq) for header in headers(out, lane)]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = make_outbox(tmp_path)
    yield made
    made.close()


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


def test_the_servers_time_becomes_the_anchor_with_half_the_round_trip_as_its_error(outbox: Outbox) -> None:
    story = Story(outbox)
    (header,) = headers(story.connect())
    assert header.anchor == Anchor(50_100, 50_100 + SERVER_AHEAD_MS, 100, "server")
    assert outbox.boot.anchor == header.anchor


def test_on_learning_its_first_anchor_it_sends_at_once_an_empty_batch_if_it_has_no_rows(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    story.clock.advance(5_000)  # too long a round trip for an anchor
    (first,) = headers(story.ack(echo=story.birth().mono_ms))
    assert first.anchor is None
    story.clock.advance(300)
    (now,) = headers(story.ack((1, 1), echo=first.sent_mono_ms))
    assert now.rows == 0
    assert now.anchor is not None
    assert now.anchor.source == "server"


@pytest.mark.parametrize("echo", [None, 49_999, 50_300])
def test_an_echo_of_what_this_boot_did_not_send_gives_no_anchor(outbox: Outbox, echo: int | None) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    story.clock.advance(200)
    story.ack(echo=echo)
    assert outbox.boot.anchor is None


def test_a_synchronised_clock_gives_the_anchor_that_the_birth_carries(outbox: Outbox) -> None:
    story = Story(outbox)
    story.state = ClockState.NTP
    story.connect(hello=False)
    anchor = story.birth().anchor
    assert anchor is not None
    assert (anchor.source, anchor.offset_ms) == ("ntp", story.clock.wall_ms() - story.clock.mono_ms())


def test_a_synchronised_clock_more_than_ten_minutes_off_the_server_is_not_believed(outbox: Outbox) -> None:
    story = Story(outbox)
    story.state = ClockState.NTP
    story.connect()
    assert headers(story.out)[-1].anchor == Anchor(50_100, 50_100 + SERVER_AHEAD_MS, 100, "server")


def test_a_synchronised_clock_near_the_servers_is_kept(outbox: Outbox) -> None:
    story = Story(outbox)
    story.clock.step_wall(SERVER_AHEAD_MS + 50_000 - story.clock.wall_ms() + 300_000)
    story.state = ClockState.NTP
    story.connect()
    anchor = headers(story.out)[-1].anchor
    assert anchor is not None
    assert anchor.source == "ntp"


def test_an_anchor_stays_while_it_holds_and_is_replaced_when_the_clock_was_set(outbox: Outbox) -> None:
    story = Story(outbox)
    story.clock.step_wall(SERVER_AHEAD_MS + 50_000 - story.clock.wall_ms())
    story.state = ClockState.NTP
    story.connect()
    first = outbox.boot.anchor
    story.clock.step_wall(1_500)
    story.wait(10_000)
    assert outbox.boot.anchor == first
    story.clock.step_wall(60_000)
    story.wait(10_000)
    assert outbox.boot.anchor != first


def test_rows_of_an_earlier_boot_travel_with_their_own_boot_and_anchor(tmp_path: Path) -> None:
    before = make_outbox(tmp_path)
    anchor = Anchor(2_000, SERVER_AHEAD_MS - 3_600_000, 10, "ntp")
    before.set_anchor(anchor)
    before.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT)
    story = Story(outbox)
    story.connect()
    sent = {header.boot_no: header for header in headers(story.out)}
    assert sent[1].anchor == anchor
    assert sent[2].boot_id == OTHER_BOOT
    assert sent[2].anchor != anchor
    assert sent[1].sent_mono_ms == sent[2].sent_mono_ms
    outbox.close()


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


def test_a_command_is_handed_over_as_it_came(outbox: Outbox) -> None:
    taken: list[Command] = []
    talk = Conversation(outbox, IDENTITY, FAST, taken.append)
    asked = Command("one", "test", {"probe": "ping"}, 5)
    assert talk.received(Lane.CMD, encode_command(asked), moment(ManualClock(mono_ms=1))) == []
    assert taken == [asked]
