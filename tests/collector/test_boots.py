"""When rows were measured: anchors that come late, better ones, and boots that never knew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.collector.boots import estimate_offsets
from aldea.model.series import StoreUnavailable
from aldea.model.wire import Anchor
from collectorkit.desk import Desk, rows_in_file, run, times_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.series_follower import SeriesFollower
    from aldea.model.columns import TimedBatch
    from aldea.storage.series.sqlite.store import SqliteSeriesStore


class Faulty:
    """The real store behind a connection that breaks at chosen calls, before or after they took effect."""

    def __init__(self, real: SqliteSeriesStore) -> None:
        self._real = real
        self.break_at: dict[str, str] = {}

    def write(self, batches: Sequence[TimedBatch]) -> None:
        self._call("write", batches)

    def delete(self, batches: Sequence[TimedBatch]) -> None:
        self._call("delete", batches)

    def _call(self, name: str, batches: Sequence[TimedBatch]) -> None:
        if self.break_at.get(name) == "before":
            raise StoreUnavailable("the store went away")
        getattr(self._real, name)(batches)
        if self.break_at.get(name) == "after":
            raise StoreUnavailable("the answer of the store was lost")

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def _at(desk: Desk, offset_ms: int, error_ms: int = 20, source: str = "ntp") -> Anchor:
    return Anchor(0, offset_ms, error_ms, source)


def test_rows_wait_until_their_boot_knows_the_time_and_then_appear(desk: Desk, store: SqliteSeriesStore) -> None:
    follower = desk.series_follower(store)
    unaware = desk.norte.but(anchored=False)
    desk.send(unaware.batch(1, 3), unaware.batch(4, 6))
    run(follower)
    assert times_in(store) == []
    desk.send(desk.norte.batch(7, 8))
    run(follower)
    start = desk.clock.wall_ms() - desk.clock.mono_ms()
    assert times_in(store) == [start + seq * 100 for seq in range(1, 9)]
    assert rows_in_file(desk.folder) == 8


def test_an_empty_batch_with_an_anchor_is_enough(desk: Desk, store: SqliteSeriesStore) -> None:
    desk.send(desk.norte.but(anchored=False).batch(1, 3))
    run(desk.series_follower(store))
    desk.send(desk.norte.batch(4, 3))
    run(desk.series_follower(store))
    assert len(times_in(store)) == 3


@pytest.mark.parametrize("look", ["after", "boots_changed_after"])
def test_waiting_rows_are_written_when_the_anchor_is_committed_just_before_a_look_of_the_follower(
    desk: Desk, store: SqliteSeriesStore, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    desk.send(desk.norte.but(anchored=False).batch(1, 3))
    follower = desk.series_follower(store)
    run(follower)
    real = getattr(follower._reader, look)

    def late(*arguments: int) -> object:
        monkeypatch.undo()
        desk.send(desk.norte.batch(4, 4))
        return real(*arguments)

    monkeypatch.setattr(follower._reader, look, late)
    run(follower)
    run(follower)
    assert len(times_in(store)) == rows_in_file(desk.folder) == 4


def test_a_better_anchor_moves_stored_rows_and_leaves_none_behind(desk: Desk, store: SqliteSeriesStore) -> None:
    start = desk.clock.wall_ms() - desk.clock.mono_ms()
    follower = desk.series_follower(store)
    desk.send(desk.norte.batch(1, 5, anchor=_at(desk, start + 30_000, 1_500, "server")))
    run(follower)
    assert times_in(store)[0] == start + 30_100
    desk.send(desk.norte.batch(6, 8, anchor=_at(desk, start)))
    run(follower)
    assert times_in(store) == [start + seq * 100 for seq in range(1, 9)]
    assert rows_in_file(desk.folder) == 8


@pytest.mark.parametrize(
    ("anchor", "moves"),
    [
        (Anchor(0, 1_500, 1, "ntp"), False),  # within two seconds: says the same
        (Anchor(0, 5_000, 500, "ntp"), False),  # no better than what is known
        (Anchor(0, 5_000, 1, "ntp"), True),
        (Anchor(0, 5_000, 1, "server"), False),  # NTP is believed over the server
        (Anchor(0, 700_000, 1, "server"), True),  # unless it was found to be wrong
        (Anchor(0, 5_000, 1, "estimated"), False),  # an unknown word is worth no more than the server's time
    ],
)
def test_which_anchor_moves_a_boot(desk: Desk, anchor: Anchor, moves: bool) -> None:
    start = desk.clock.wall_ms() - desk.clock.mono_ms() - 1_000_000
    desk.send(desk.norte.batch(1, 1, anchor=_at(desk, start, 100)))
    desk.send(desk.norte.batch(2, 2, anchor=Anchor(0, start + anchor.wall_ms, anchor.error_ms, anchor.source)))
    (boot,) = desk.journal.boots()
    assert (boot.offset_ms != start) == moves


def _interrupted(
    desk: Desk, store: SqliteSeriesStore, first: Anchor, then: tuple[int, Anchor], break_at: dict[str, str]
) -> tuple[Faulty, SeriesFollower]:
    """Store five rows; let the store break while it takes those up to seq `then[0]`, and be well again."""
    faulty = Faulty(store)
    follower = desk.series_follower(faulty)  # type: ignore[arg-type]  # passes on all else
    desk.send(desk.norte.batch(1, 5, anchor=first))
    run(follower)
    desk.send(desk.norte.batch(6, then[0], anchor=then[1]))
    faulty.break_at = break_at
    with pytest.raises(StoreUnavailable):
        run(follower)
    faulty.break_at = {}
    return faulty, follower


@pytest.mark.parametrize("restart", [False, True])
def test_rows_that_were_written_but_not_noted_move_with_their_boot(
    desk: Desk, store: SqliteSeriesStore, restart: bool
) -> None:
    start = desk.clock.wall_ms() - desk.clock.mono_ms()
    known = _at(desk, start + 60_000, 900)
    faulty, follower = _interrupted(desk, store, known, (8, known), {"write": "after"})
    assert len(times_in(store)) == 8
    again = Desk(desk.folder, desk.clock) if restart else desk
    again.send(desk.norte.batch(9, 9, anchor=_at(desk, start)))
    run(again.series_follower(faulty) if restart else follower)  # type: ignore[arg-type]  # as above
    assert times_in(store) == [start + seq * 100 for seq in range(1, 10)]
    assert rows_in_file(desk.folder) == 9
    if restart:
        again.close()


def test_a_boot_that_moves_back_in_the_middle_of_a_move_leaves_nothing_behind(
    desk: Desk, store: SqliteSeriesStore
) -> None:
    start = desk.clock.wall_ms() - desk.clock.mono_ms() - 2_000_000
    first, then = _at(desk, start, 900), _at(desk, start + 60_000, 500)
    _, follower = _interrupted(desk, store, first, (6, then), {"write": "after"})
    desk.send(desk.norte.batch(7, 7, anchor=_at(desk, start, 10)))
    run(follower)
    assert times_in(store) == [start + seq * 100 for seq in range(1, 8)]
    assert rows_in_file(desk.folder) == 7


@pytest.mark.parametrize("call", ["write", "delete"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("restart", [False, True])
def test_a_move_that_was_cut_off_is_put_right_by_repeating_it(
    desk: Desk, store: SqliteSeriesStore, call: str, moment: str, restart: bool
) -> None:
    start = desk.clock.wall_ms() - desk.clock.mono_ms() - 1_000_000
    first, then = _at(desk, start + 60_000, 900), _at(desk, start, 500)
    faulty, _ = _interrupted(desk, store, first, (6, then), {call: moment})
    # Before it is repeated, the boot moves once more: nothing may stay where the first attempt put it.
    desk.send(desk.norte.batch(7, 7, anchor=_at(desk, start + 20_000, 10)))
    again = Desk(desk.folder, desk.clock) if restart else desk
    run(again.series_follower(faulty))  # type: ignore[arg-type]  # as above
    assert times_in(store) == [start + 20_000 + seq * 100 for seq in range(1, 8)]
    assert rows_in_file(desk.folder) == 7
    if restart:
        again.close()


def test_a_boot_that_never_knew_is_placed_between_its_neighbours_and_marked(
    desk: Desk, store: SqliteSeriesStore
) -> None:
    hour = 3_600_000
    now = desk.clock.wall_ms()
    first = desk.norte.but(boot_id="11111111", boot_no=1)
    second = desk.norte.but(boot_id="22222222", boot_no=2, anchored=False)
    third = desk.norte.but(boot_id="33333333", boot_no=3, anchored=False)
    fourth = desk.norte.but(boot_id="44444444", boot_no=4)
    desk.send(first.batch(1, 10, anchor=Anchor(0, now - 9 * hour, 20, "ntp"), sent_mono_ms=2_000))
    desk.send(second.batch(11, 20), third.batch(21, 30))
    assert [boot.offset_ms for boot in desk.journal.boots()][1:] == [None, None]
    desk.send(fourth.batch(31, 40, anchor=Anchor(0, now - hour, 20, "ntp"), sent_mono_ms=hour))
    run(desk.series_follower(store))
    boots = desk.journal.boots()
    assert [boot.source for boot in boots] == ["ntp", "estimated", "estimated", "ntp"]
    offsets = [boot.offset_ms for boot in boots if boot.offset_ms is not None]
    ends = [offset + seq * 100 for offset, seq in zip(offsets, (10, 20, 30, 40), strict=True)]
    assert all(end <= start for end, start in zip(ends, offsets[1:], strict=False))
    assert len(times_in(store)) == rows_in_file(desk.folder) == 40
    # The third boot learns its time after all; the second moves into what room is left.
    desk.send(third.but(anchored=True).batch(41, 41, anchor=Anchor(0, now - 8 * hour, 20, "ntp"), sent_mono_ms=4_200))
    run(desk.series_follower(store))
    known = {boot.boot_no: boot for boot in desk.journal.boots()}
    assert (known[3].source, known[3].offset_ms) == ("ntp", now - 8 * hour)
    assert now - 9 * hour + 1_000 <= (known[2].offset_ms or 0) <= now - 8 * hour
    assert len(times_in(store)) == rows_in_file(desk.folder) == 41


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    st.one_of(st.none(), st.integers(-(10**6), 10**7)),
    st.integers(0, 10**7),
)
def test_estimated_boots_keep_their_order_and_end_before_the_next_one_begins(
    lasts: list[int], previous_end: int | None, next_start: int
) -> None:
    offsets = estimate_offsets(lasts, previous_end, next_start)
    ends = [offset + last for offset, last in zip(offsets, lasts, strict=True)]
    assert all(end <= start for end, start in zip(ends, [*offsets[1:], next_start], strict=True))
    if previous_end is not None and next_start - previous_end >= sum(lasts):
        assert offsets[0] >= previous_end
