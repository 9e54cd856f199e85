"""The series store follows the journal: late, interrupted, repeated, and never wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.model.series import StoreRefused, StoreUnavailable
from collectorkit.desk import Desk, advance_only_boots, rows_in_file, run, times_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.model.columns import TimedBatch
    from aldea.storage.series.sqlite.store import SqliteSeriesStore


class Away:
    """A store that does not answer until it is back."""

    def __init__(self, real: SqliteSeriesStore) -> None:
        self.real = real
        self.away = True

    def write(self, batches: Sequence[TimedBatch]) -> None:
        if self.away:
            raise StoreUnavailable("no answer")
        self.real.write(batches)


class Picky:
    """A store that never takes some rows."""

    def __init__(self, real: SqliteSeriesStore, error: Exception) -> None:
        self.real = real
        self.asked = 0
        self._error = error

    def write(self, batches: Sequence[TimedBatch]) -> None:
        self.asked += 1
        if any(timed.batch.header.first_seq == 4 for timed in batches):
            raise self._error
        self.real.write(batches)


def test_while_the_store_is_away_ingest_goes_on_and_it_catches_up_once(desk: Desk, store: SqliteSeriesStore) -> None:
    away = Away(store)
    follower = desk.series_follower(away)  # type: ignore[arg-type]  # what it needs of a store
    for hour in range(50):
        desk.clock.advance(3_600_000)
        ack = desk.answer(desk.norte.batch(1 + hour * 20, 20 + hour * 20))
        assert ack.stored == [(1 + hour * 20, 20 + hour * 20)]
        with pytest.raises(StoreUnavailable):
            follower.step()
    assert desk.cursors.position("series") == 0
    away.away = False
    run(follower)
    assert desk.cursors.position("series") == desk.journal.last_position()
    assert len(times_in(store)) == rows_in_file(desk.folder) == 1000


@pytest.mark.parametrize("error", [StoreRefused("field type conflict"), ValueError("not foreseen")])
def test_a_batch_the_store_never_takes_is_noted_and_the_others_are_written(
    desk: Desk, store: SqliteSeriesStore, error: Exception
) -> None:
    desk.send(*(desk.norte.batch(first, first + 2) for first in (1, 4, 7)))
    run(desk.series_follower(Picky(store, error)))  # type: ignore[arg-type]  # what it needs of a store
    assert desk.cursors.refused() == [(2, str(error))]
    assert len(times_in(store)) == 6
    assert desk.cursors.position("series") == 3


def test_a_batch_the_store_never_takes_is_found_without_asking_for_each_of_its_group(
    desk: Desk, store: SqliteSeriesStore
) -> None:
    """A group may hold thousands; to wait for the store once for each would hold the others up."""
    picky = Picky(store, StoreRefused("field type conflict"))
    desk.send(*(desk.norte.batch(first, first + 2) for first in range(1, 193, 3)))
    run(desk.series_follower(picky))  # type: ignore[arg-type]  # what it needs of a store
    assert desk.cursors.refused() == [(2, "field type conflict")]
    assert len(times_in(store)) == 63 * 3
    assert picky.asked == 1 + 2 * 6, "all, and the halves of what was refused"


def test_a_crash_between_the_write_and_the_cursor_leaves_no_duplicate(
    desk: Desk, store: SqliteSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.send(desk.norte.batch(1, 5))
    follower = desk.series_follower(store)
    with monkeypatch.context() as broken:
        broken.setattr(desk.cursors, "advance", advance_only_boots(desk))
        with pytest.raises(OSError, match="killed"):
            run(follower)
    assert len(times_in(store)) == 5
    again = Desk(desk.folder, desk.clock)
    run(again.series_follower(store))
    assert len(times_in(store)) == 5
    again.close()
