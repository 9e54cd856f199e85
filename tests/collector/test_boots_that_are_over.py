"""After a power cut the backlog of the boot before arrives, sent by a machine that has only just started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.model.topics import Lane
from aldea.model.wire import Anchor
from aldea.storage.register.status import find_status
from collectorkit.desk import Desk, run, times_in
from collectorkit.sender import ping, row

if TYPE_CHECKING:
    from aldea.model.sample import Value
    from aldea.storage.register import Register
    from aldea.storage.series.sqlite.store import SqliteSeriesStore

DAY = 86_400_000
LONG_RUN_MS = 30 * DAY
"""How long the boot before had run when its rows were measured: far beyond what the running boot has reached."""


def before(desk: Desk, *, days_ago: int) -> Anchor:
    """Return the anchor of a boot whose 30th day was so many days ago."""
    return Anchor(LONG_RUN_MS, desk.clock.wall_ms() - days_ago * DAY, 20, "ntp")


def test_rows_of_the_boot_before_are_stored_at_their_own_time(desk: Desk, store: SqliteSeriesStore) -> None:
    rows = [ping(1, LONG_RUN_MS), ping(2, LONG_RUN_MS + 60_000)]
    payload = desk.norte.payload(rows, anchor=before(desk, days_ago=9), past=True, boot_id="a" * 16)
    ack = desk.answer(desk.norte.message(payload, Lane.BULK))
    assert list(ack.stored) == [(1, 2)]
    run(desk.series_follower(store))
    start = desk.clock.wall_ms() - 9 * DAY
    assert times_in(store) == [start, start + 60_000]


def test_without_an_anchor_they_are_kept_and_wait(desk: Desk, store: SqliteSeriesStore) -> None:
    payload = desk.norte.payload([ping(1, LONG_RUN_MS)], anchor=None, past=True, boot_id="a" * 16, boot_no=1)
    ack = desk.answer(desk.norte.message(payload, Lane.BULK))
    assert list(ack.stored) == [(1, 1)]
    run(desk.series_follower(store))
    assert times_in(store) == []
    desk.send(desk.norte.but(boot_no=2, boot_id="c" * 16).batch(2, 2))
    run(desk.series_follower(store))
    assert len(times_in(store)) == 2


@pytest.mark.parametrize(("days_ago", "reason"), [(-1, "time_future"), (20_000, "time_absurd")])
def test_an_absurd_anchor_of_the_boot_before_is_rejected(desk: Desk, days_ago: int, reason: str) -> None:
    payload = desk.norte.payload([ping(1, LONG_RUN_MS)], anchor=before(desk, days_ago=days_ago), past=True)
    ack = desk.answer(desk.norte.message(payload, Lane.BULK))
    assert [item[2] for item in ack.rejected] == [reason]


def test_a_row_that_its_own_anchor_puts_into_the_future_is_rejected_alone(desk: Desk) -> None:
    rows = [ping(1, LONG_RUN_MS), ping(2, LONG_RUN_MS + 10 * DAY)]
    payload = desk.norte.payload(rows, anchor=before(desk, days_ago=9), past=True)
    ack = desk.answer(desk.norte.message(payload, Lane.BULK))
    assert list(ack.stored) == [(1, 1)]
    assert ack.rejected == [(2, 2, "time_absurd")]


def test_a_backlog_alone_says_that_a_site_lived_when_it_was_measured_not_now(desk: Desk, register: Register) -> None:
    payload = desk.norte.payload([ping(1, LONG_RUN_MS)], anchor=before(desk, days_ago=3), past=True)
    desk.send(desk.norte.message(payload, Lane.BULK))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        (status,) = find_status(unit, "norte-01")
    assert status.last_arrival_ms == desk.clock.wall_ms() - 3 * DAY
    desk.send(desk.norte.batch(2, 2))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        (status,) = find_status(unit, "norte-01")
    assert status.last_arrival_ms == desk.clock.wall_ms()


def test_a_tombstone_may_tell_of_the_epoch_before(desk: Desk) -> None:
    old = desk.norte.but(epoch="e" * 16)
    desk.send(old.batch(1, 3), old.birth(9, 10))
    fields: dict[str, Value] = {"first_seq": 4, "last_seq": 9, "count": 6, "reason": "age", "epoch": old.epoch}
    desk.send(desk.norte.message(desk.norte.payload([row(1, "tombstone", fields)])))
    record = desk.record(old)
    assert (record.stored_rows, record.explained_rows, record.lost_rows) == (3, 6, 0)
    assert desk.record(desk.norte).explained_rows == 0
