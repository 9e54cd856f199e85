"""Bad input: in quarantine once with its reason, its neighbours stored, its sender told."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from aldea.model.topics import Lane
from collectorkit.bad_input import REFUSED, REJECTED, SINGLE_ROWS, UNANSWERED, WHOLE_MESSAGES, Bad
from collectorkit.sender import HOUR, ping

if TYPE_CHECKING:
    from collectorkit.desk import Desk


@pytest.mark.parametrize("bad", WHOLE_MESSAGES, ids=str)
def test_a_bad_message_sent_five_times_is_kept_once_and_its_neighbours_are_stored(desk: Desk, bad: Bad) -> None:
    message = bad.make(desk.norte)
    for turn in range(5):
        good = desk.sur.batch(1 + 3 * turn, 3 + 3 * turn)
        own = desk.norte.but(epoch="cccccccccccccccc").batch(1 + turn, 1 + turn, Lane.BULK)
        answers = {(topic.site, ack.epoch): ack for topic, ack in desk.send(good, message, own)}
        assert answers["sur-02", desk.sur.epoch].stored == [(1 + 3 * turn, 3 + 3 * turn)]
        assert answers["norte-01", "cccccccccccccccc"].stored == [(1 + turn, 1 + turn)]
        refused = answers["norte-01", ""].refused if ("norte-01", "") in answers else []
        digest = hashlib.sha256(message.payload).hexdigest()[:16]
        assert refused == ([(digest, bad.reason)] if bad.told == REFUSED else [])
        rejected = answers["norte-01", desk.norte.epoch].rejected if bad.told == REJECTED else [(1, 5, bad.reason)]
        assert rejected == [(1, 5, bad.reason)]
        assert bad.told != UNANSWERED or len(answers) == 2
    assert desk.quarantine() == [(bad.reason, 5)]
    assert desk.seqs() == []
    assert desk.seqs(desk.sur) == list(range(1, 16))
    ((_, _, topic, sentence),) = desk.journal.quarantined()
    assert sentence
    assert topic == message.topic


@pytest.mark.parametrize("bad", SINGLE_ROWS, ids=str)
def test_only_the_bad_row_is_rejected_and_its_neighbours_in_the_batch_are_stored(desk: Desk, bad: Bad) -> None:
    message = bad.make(desk.norte)
    for _ in range(5):
        ack = desk.answer(message)
        assert (list(ack.stored), list(ack.rejected)) == ([(1, 1), (3, 3)], [(2, 2, bad.reason)])
        assert ack.highest_seq == 3
    assert desk.seqs() == [1, 3]
    assert desk.quarantine() == [(bad.reason, 5)]
    assert desk.record().explained_rows == 1


def test_rejected_rows_in_another_cut_are_not_kept_again(desk: Desk) -> None:
    rows = [ping(seq, sent=-1) for seq in range(1, 9)]
    for low, high in ((0, 8), (0, 4), (4, 8), (2, 3)):
        part = rows[low:high]
        ack = desk.answer(desk.norte.message(desk.norte.payload(part)))
        assert list(ack.rejected) == [(part[0].seq, part[-1].seq, "out_of_range")]
    assert [reason for reason, _ in desk.quarantine()] == ["out_of_range"]
    assert desk.journal.counters()["rows_rejected"] == 8


def test_what_is_stored_stays_acknowledged_when_it_comes_again_under_a_bad_clock(desk: Desk) -> None:
    from aldea.model.wire import Anchor

    desk.send(desk.norte.batch(1, 3))
    wrong = Anchor(desk.clock.mono_ms(), desk.clock.wall_ms() + HOUR, 20, "ntp")
    ack = desk.answer(desk.norte.batch(1, 5, anchor=wrong))
    assert (list(ack.stored), list(ack.rejected)) == ([(1, 3)], [(4, 5, "time_future")])
    ack = desk.answer(desk.norte.batch(4, 5))
    assert list(ack.stored) == [(4, 5)]


def test_an_empty_batch_with_a_bad_clock_is_kept_once_though_its_bytes_differ(desk: Desk) -> None:
    from aldea.model.wire import Anchor

    for _ in range(5):
        desk.clock.advance(1000)
        desk.send(desk.norte.batch(1, 0, anchor=Anchor(5, desk.clock.wall_ms() + HOUR, 20, "ntp")))
    assert [reason for reason, _ in desk.quarantine()] == ["time_future"]
    assert len(desk.reader().after(0, 10)) == 0


def test_the_same_bad_bytes_from_two_sites_are_two_things(desk: Desk) -> None:
    desk.send(desk.norte.message(b"{}"), desk.sur.message(b"{}"))
    assert desk.quarantine() == [("malformed", 1), ("malformed", 1)]


def test_a_field_that_the_catalogue_does_not_list_is_kept(desk: Desk) -> None:
    rows = [ping(1, jitter_seconds=-4.5), ping(2, jitter_seconds=1e9)]
    assert desk.answer(desk.norte.message(desk.norte.payload(rows))).stored == [(1, 2)]


def test_the_quarantine_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aldea.collector.journal.quarantine.QUARANTINE_MAX_ROWS", 20)
    desk.send(*(desk.norte.message(f"bad {number}".encode()) for number in range(50)))
    assert len(desk.quarantine()) == 20
    assert desk.journal.counters()["quarantined_unknown_version"] == 50
