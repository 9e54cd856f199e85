"""Messages in, answers out, and in between the commit."""

from __future__ import annotations

import sqlite3
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from aldea.collector.directory import Directory
from aldea.collector.validate import BadRow, bad_rows
from aldea.model.columns import decode_columns
from aldea.model.messages import parse_ack
from aldea.model.topics import Lane
from aldea.model.wire import seal
from builders import make_header
from collectorkit.desk import Desk, register_sites
from collectorkit.sender import Sender, ping

if TYPE_CHECKING:
    from aldea.model.columns import Batch
    from aldea.storage.register import Register


def test_a_good_batch_is_in_the_journal_and_then_acknowledged(desk: Desk) -> None:
    ack = desk.answer(desk.norte.batch(1, 5))
    assert desk.seqs() == [1, 2, 3, 4, 5]
    assert ack.stored == [(1, 5)]
    assert ack.echo_mono_ms == desk.clock.mono_ms()
    assert ack.highest_seq == 5
    assert ack.server_ms == desk.clock.wall_ms()
    assert ack.epoch == desk.norte.epoch


def test_nothing_is_acknowledged_when_the_disk_is_full_and_everything_once_there_is_room(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 5))
    (pages,) = desk.journal._db.execute("PRAGMA page_count").fetchone()
    desk.journal._db.execute(f"PRAGMA max_page_count = {pages}")
    group = [desk.norte.batch(first, first + 199) for first in range(6, 4006, 200)]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        desk.send(*group)
    desk.journal._db.execute("PRAGMA max_page_count = 1000000")
    assert desk.record().stored_rows == 5
    assert desk.answer(desk.norte.birth(4005)).highest_seq == 5
    assert desk.answer(*group).stored == [(6, 4005)]
    assert desk.seqs() == list(range(1, 4006))


def test_a_state_that_could_not_be_reloaded_answers_for_nothing_later(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 5))
    real = desk.journal._db
    desk.journal._db = _Unreadable(real)  # type: ignore[assignment]  # stands for a disk that fails at the commit
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            desk.send(desk.norte.batch(6, 9))
    desk.journal._db = real
    assert desk.answer(desk.norte.batch(6, 9)).stored == [(6, 9)]
    assert desk.seqs() == list(range(1, 10))


class _Unreadable:
    """A connection whose commits fail, and whose reads fail from then on."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real
        self._failed = False

    def execute(self, statement: str, *arguments: object) -> sqlite3.Cursor:
        if statement == "COMMIT" or (self._failed and statement.startswith("SELECT")):
            self._failed = True
            raise sqlite3.OperationalError("disk I/O error")
        return self._real.execute(statement, *arguments)  # type: ignore[arg-type]  # passed on as they are

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def test_a_closed_file_acknowledges_nothing(desk: Desk) -> None:
    desk.journal.close()
    with pytest.raises(sqlite3.ProgrammingError):
        desk.send(desk.norte.batch(1, 5))


def test_duplicates_are_acknowledged_again_and_stored_once(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 5))
    desk.clock.advance(60_000)
    assert desk.answer(desk.norte.batch(1, 5, Lane.BULK)).stored == [(1, 5)]
    assert desk.seqs() == [1, 2, 3, 4, 5]
    assert desk.journal.counters()["rows_duplicate"] == 5
    assert desk.quarantine() == []


@pytest.mark.parametrize("cut", [(1, 3), (4, 9), (2, 12), (1, 20), (5, 5)])
def test_an_overlapping_cut_stores_only_what_is_missing(desk: Desk, cut: tuple[int, int]) -> None:
    desk.send(desk.norte.batch(3, 4), desk.norte.batch(7, 9))
    assert desk.answer(desk.norte.batch(*cut)).stored == [cut]
    assert desk.seqs() == sorted({3, 4, 7, 8, 9, *range(cut[0], cut[1] + 1)})
    assert desk.answer(desk.norte.batch(1, 20)).stored == [(1, 20)]
    assert desk.seqs() == list(range(1, 21))
    assert desk.quarantine() == []


def test_a_row_of_finer_resolution_is_still_itself_after_a_cut(desk: Desk) -> None:
    rows = [ping(seq, signal_level=seq / 7, hops=2**61 + seq) for seq in range(1, 7)]
    fine = desk.norte.payload(rows)
    desk.send(desk.norte.message(desk.norte.payload(rows[2:4])))
    assert desk.answer(desk.norte.message(fine)).stored == [(1, 6)]
    again = desk.answer(desk.norte.message(desk.norte.payload(rows[:3])), desk.norte.message(fine))
    assert (list(again.stored), list(again.conflict)) == ([(1, 6)], [])
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]


def test_the_same_seq_with_other_content_is_a_conflict_and_never_acknowledged(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 5))
    other = [ping(3, rtt_avg_seconds=9.0), ping(4), ping(5, sent=1), ping(6)]
    for _ in range(5):
        ack = desk.answer(desk.norte.message(desk.norte.payload(other)))
        assert (list(ack.stored), list(ack.conflict)) == ([(4, 4), (6, 6)], [(3, 3), (5, 5)])
    assert desk.quarantine() == [("conflict", 5)]
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]


def test_several_messages_of_one_device_in_one_group_even_of_the_same_rows(desk: Desk) -> None:
    norte = desk.norte
    group = [norte.batch(4, 6), norte.batch(1, 3, Lane.BULK), norte.batch(4, 6), norte.batch(2, 8), norte.batch(1, 1)]
    ack = desk.answer(*group)
    assert ack.stored == [(1, 8)]
    assert desk.seqs() == list(range(1, 9))
    assert desk.journal.counters()["rows_stored"] == 8


def test_two_sites_in_one_group_get_an_answer_each(desk: Desk) -> None:
    answers = desk.send(desk.norte.batch(1, 2), desk.sur.batch(1, 3))
    assert {str(topic): ack.stored for topic, ack in answers} == {
        "aldea/1/norte-01/agent/ack": [(1, 2)],
        "aldea/1/sur-02/agent/ack": [(1, 3)],
    }


@pytest.mark.parametrize("retained", [False, True])
def test_every_birth_is_answered_with_the_highest_seq(desk: Desk, retained: bool) -> None:
    desk.send(desk.norte.batch(3, 7))
    for _ in range(3):
        ack = desk.answer(desk.norte.birth(9, retained=retained))
        assert (ack.highest_seq, list(ack.stored)) == (7, [])
        assert ack.echo_mono_ms == desk.clock.mono_ms()
    new = desk.norte.but(epoch="aaaaaaaaaaaaaaaa", connection=2)
    assert desk.answer(new.birth(0, retained=retained)).highest_seq == 0


def test_a_birth_of_another_site_is_refused_and_not_answered(desk: Desk) -> None:
    intruder = desk.norte.birth(9)
    forged = desk.sur.message(intruder.payload, Lane.STATUS)
    for _ in range(5):
        assert desk.send(forged) == []
    assert desk.quarantine() == [("wrong_site", 5)]
    assert desk.journal.presences() == []


def test_an_unknown_site_is_noted_once_not_answered_and_accepted_once_it_is_registered(
    desk: Desk, register: Register
) -> None:
    directory = Directory(register)
    directory.refresh()
    desk.ingestor._is_known = directory.is_known
    new = Sender(desk.clock, site="oeste-03")
    for first in (1, 6, 1):
        assert desk.send(new.birth(9), new.batch(first, first + 4)) == []
    assert desk.quarantine() == [("unknown_site", 6)]
    register_sites(register, "oeste-03")
    directory.refresh()
    assert desk.answer(new.batch(1, 5)).stored == [(1, 5)]


def test_an_empty_batch_tells_the_time_and_stores_no_row(desk: Desk) -> None:
    ack = desk.answer(desk.norte.batch(1, 0))
    assert (list(ack.stored), ack.highest_seq) == ([], 0)
    assert ack.echo_mono_ms == desk.clock.mono_ms()
    assert desk.seqs() == []
    assert len(desk.reader().after(0, 10)) == 1


def test_what_the_server_itself_says_is_not_taken_in(desk: Desk) -> None:
    assert desk.send(desk.norte.message(b"x", Lane.ACK), desk.norte.message(b"", Lane.STATUS)) == []
    assert desk.quarantine() == []


def test_an_answer_never_grows_beyond_what_an_agent_reads(desk: Desk) -> None:
    from aldea.model.messages import encode_ack

    rows = [ping(seq, rtt_avg_seconds=500.0 if seq % 2 else 0.1) for seq in range(1, 2001)]
    message = desk.norte.message(desk.norte.payload(rows))
    answers = desk.send(message)
    acks = [parse_ack(encode_ack(ack)) for _, ack in answers]
    assert sum(last - first + 1 for ack in acks for first, last in ack.stored) == 1000
    assert sum(last - first + 1 for ack in acks for first, last, _ in ack.rejected) == 1000
    assert [reason for reason, _ in desk.quarantine()] == ["out_of_range"]


def test_a_message_that_nobody_foresaw_does_not_stop_its_neighbours(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(batch: Batch, arrival_ms: int) -> list[BadRow]:
        if batch.header.site == "sur-02":
            raise OverflowError("nobody thought of it")
        return bad_rows(batch, arrival_ms)

    monkeypatch.setattr("aldea.collector.batches.bad_rows", fragile)
    answers = desk.send(desk.norte.batch(1, 3), desk.sur.batch(1, 3), desk.norte.batch(4, 6))
    stored = [found for topic, ack in answers if topic.site == "norte-01" for found in ack.stored]
    refused = [reason for topic, ack in answers if topic.site == "sur-02" for _, reason in ack.refused]
    assert (stored, refused) == ([(1, 3), (4, 6)], ["internal_error"])
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]
    assert desk.quarantine() == [("internal_error", 1)]


def test_of_batches_that_are_wide_on_purpose_no_limits_are_kept_in_memory() -> None:
    """Each shape of a batch is judged by limits that are kept for the next: thousands of wide ones would fill it."""
    columns = " ".join(f"c{number}:i" for number in range(100))
    tracemalloc.start()
    try:
        for shape in range(20):
            blocks = [[f"m{shape}", {}, 1, columns, {}] for _ in range(60)]
            stream = b"".join(bytes([2 * offset]) + bytes(101) for offset in range(60))
            message = seal(make_header(1, 60), blocks, stream)
            bad_rows(decode_columns(message), 1_750_000_000_000)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
