"""The journal's own promises: each row once, whatever the code believes, and nothing forgotten."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from aldea.collector.journal import Cursors, EntryKind, Journal, JournalError, NewEntry
from aldea.collector.lock import DataLock
from collectorkit.desk import Desk, rows_in_file, run, times_in

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.storage.register import Register
    from aldea.storage.series.sqlite.store import SqliteSeriesStore

DAY = 86_400_000


def _entry(stream: int, first: int, last: int) -> NewEntry:
    return NewEntry(EntryKind.BATCH, "norte-01", "agent", "bulk", 0, b"", stream, None, first, last, 0, 0)


@pytest.mark.parametrize("span", [(10, 20), (1, 10), (20, 30), (12, 13), (1, 99), (15, 40)])
def test_the_file_refuses_rows_it_has_even_if_the_code_forgets(desk: Desk, span: tuple[int, int]) -> None:
    with desk.journal.transaction():
        stream = desk.journal.add_stream("norte-01", "agent", "e").id
        for low, high in ((10, 20), (50, 60), (200, 300)):
            desk.journal.append(_entry(stream, low, high))
    with pytest.raises(sqlite3.IntegrityError, match="already"), desk.journal.transaction():
        desk.journal.append(_entry(stream, *span))
    with desk.journal.transaction():
        desk.journal.append(_entry(stream, 21, 49))
        desk.journal.append(_entry(stream, 1, 9))


def test_the_file_refuses_rows_it_has_trimmed(desk: Desk, store: SqliteSeriesStore) -> None:
    desk.send(desk.norte.batch(1, 5))
    run(desk.series_follower(store))
    _trim(desk)
    assert desk.reader().after(0, 10) == []
    (stream,) = desk.journal.streams()
    with pytest.raises(sqlite3.IntegrityError, match="already"), desk.journal.transaction():
        desk.journal.append(_entry(stream.id, 5, 9))


def _trim(desk: Desk, before_ms: int | None = None) -> int:
    position = desk.cursors.position("series")
    with desk.journal.transaction():
        return desk.journal.trim(
            position, desk.cursors.position("boots"), desk.clock.wall_ms() + 1 if before_ms is None else before_ms
        )


def test_trimmed_seqs_stay_known_and_are_acknowledged_but_not_stored_again(
    desk: Desk, store: SqliteSeriesStore
) -> None:
    for first in (1, 11, 21, 41):
        desk.send(desk.norte.batch(first, first + 9))
    run(desk.series_follower(store))
    before = desk.record()
    assert _trim(desk) == 4
    again = Desk(desk.folder, desk.clock)
    assert again.record() == before
    assert again.answer(again.norte.batch(5, 25)).stored == [(5, 25)]
    assert again.answer(again.norte.batch(25, 45)).stored == [(25, 45)]
    assert again.seqs() == list(range(31, 41))
    run(again.series_follower(store))
    assert len(times_in(store)) == rows_in_file(desk.folder) == 50
    again.close()


def test_trimming_stops_at_what_a_consumer_has_not_passed(desk: Desk, store: SqliteSeriesStore) -> None:
    desk.send(desk.norte.batch(1, 5))
    run(desk.series_follower(store))
    desk.send(desk.norte.batch(6, 9))
    assert _trim(desk) == 1
    assert desk.seqs() == [6, 7, 8, 9]


def test_trimming_leaves_young_entries(desk: Desk, store: SqliteSeriesStore) -> None:
    desk.send(desk.norte.batch(1, 5))
    desk.clock.advance(DAY)
    desk.send(desk.norte.batch(6, 9))
    run(desk.series_follower(store))
    assert _trim(desk, desk.clock.wall_ms() - DAY // 2) == 1
    assert desk.seqs() == [6, 7, 8, 9]


def test_trimming_leaves_rows_that_wait_for_their_boots_time(desk: Desk, store: SqliteSeriesStore) -> None:
    desk.send(desk.norte.but(anchored=False).batch(1, 5))
    run(desk.series_follower(store))
    assert _trim(desk) == 0
    # The boot has a place in time now, but the series store has not followed: still not.
    desk.send(desk.norte.batch(6, 6))
    assert _trim(desk) == 0
    run(desk.series_follower(store))
    assert len(times_in(store)) == 6
    assert _trim(desk) == 2


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database, " * 100)
    with pytest.raises(JournalError, match="not a usable journal"):
        Journal(tmp_path / "journal.db")


def test_a_newer_journal_is_a_sentence(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.db").close()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="version 99"):
        Journal(tmp_path / "journal.db")


def test_two_collectors_never_share_a_directory(tmp_path: Path) -> None:
    lock = DataLock(tmp_path / "collector.lock")
    with pytest.raises(JournalError, match="in use by another collector"):
        DataLock(tmp_path / "collector.lock")
    lock.release()
    DataLock(tmp_path / "collector.lock").release()


def test_counters_survive_a_restart(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 5), desk.norte.message(b"?"), desk.norte.batch(1, 5))
    again = Desk(desk.folder, desk.clock)
    assert again.journal.counters() == {
        "messages": 3,
        "rows_stored": 5,
        "rows_duplicate": 5,
        "quarantined_malformed": 1,
    }
    again.close()


def test_every_commit_is_on_disk_before_it_returns(desk: Desk) -> None:
    assert desk.journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert desk.journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_new_journal_beside_old_cursors_loses_nothing_and_reuses_no_position(
    desk: Desk, store: SqliteSeriesStore, register: Register
) -> None:
    for first in range(1, 30, 3):
        desk.send(desk.norte.batch(first, first + 2))
    run(desk.series_follower(store))
    run(desk.feed_follower(register))
    last = desk.journal.last_position()
    for path in desk.folder.glob("journal.db*"):
        path.rename(desk.folder / f"old-{path.name}")
    new = Desk(desk.folder, desk.clock)
    new.journal.start_after(new.cursors.furthest())
    other = new.norte.but(boot_id="9999999999999999", epoch="eeeeeeeeeeeeeeee")
    new.clock.advance(DAY)
    new.send(other.batch(1, 4, sent_mono_ms=500, anchor=None))
    run(new.series_follower(store))
    assert len(times_in(store)) == 30  # the new boot has the old one's number, and must not get its time
    new.send(other.batch(5, 6))
    run(new.series_follower(store))
    run(new.feed_follower(register))
    assert new.reader().after(0, 1)[0].position == last + 1
    assert len(times_in(store)) == 36
    new.close()


def test_positions_survive_and_belong_to_one_journal(tmp_path: Path) -> None:
    cursors = Cursors(tmp_path / "cursors.db", "one")
    cursors.advance("series", 7)
    cursors.close()
    cursors = Cursors(tmp_path / "cursors.db", "one")
    assert (cursors.position("series"), cursors.position("feed"), cursors.furthest()) == (7, 0, 7)
    cursors.close()


def test_a_reader_is_given_no_more_than_the_bytes_it_asks_for_and_misses_no_entry(desk: Desk) -> None:
    for number in range(5):
        desk.answer(desk.norte.batch(1 + number * 3, 3 + number * 3))
    reader = desk.reader()
    whole = reader.after(0, 100)
    sizes = [len(entry.payload) for entry in whole]
    assert len(whole) == 5
    assert reader.after(0, 100, most_bytes=sum(sizes[:2])) == whole[:2]
    assert reader.after(0, 100, most_bytes=sum(sizes[:2]) + 1) == whole[:3]
    found, position = [], 0
    while part := reader.after(position, 100, most_bytes=1):
        assert len(part) == 1, "one entry is given however large it is"
        found += part
        position = part[-1].position
    assert found == whole


def test_a_reader_is_given_no_more_than_the_rows_it_asks_for(desk: Desk) -> None:
    """What hardly changes takes few bytes on the way and many when it is read: rows are counted as well."""
    for number in range(5):
        desk.answer(desk.norte.batch(1 + number * 3, 3 + number * 3))
    reader = desk.reader()
    whole = reader.after(0, 100)
    assert reader.after(0, 100, most_rows=6) == whole[:2]
    assert reader.after(0, 100, most_rows=7) == whole[:3]
    assert reader.after(0, 100, most_rows=1) == whole[:1]


def test_the_entries_of_a_boot_are_given_in_groups_of_as_many_bytes_and_rows_at_the_most(desk: Desk) -> None:
    for number in range(5):
        desk.answer(desk.norte.batch(1 + number * 3, 3 + number * 3))
    reader = desk.reader()
    (boot,) = {entry.boot for entry in reader.after(0, 100)}
    assert boot is not None
    whole = reader.of_boot(boot, 0, 100, 100)
    sizes = [len(entry.payload) for entry in whole]
    assert len(whole) == 5
    assert reader.of_boot(boot, 0, 100, 100, most_bytes=sum(sizes[:2])) == whole[:2]
    assert reader.of_boot(boot, whole[1].position, 100, 100, most_bytes=1) == whole[2:3]
    assert reader.of_boot(boot, 0, 100, 100, most_rows=6) == whole[:2]
