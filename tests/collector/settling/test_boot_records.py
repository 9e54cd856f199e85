"""Boots reach the register with what their rows and births tell, and move when they find their place in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.model.clock import ManualClock
from aldea.model.sample import Row, Value
from aldea.model.topics import Lane
from aldea.storage.register.boots import boots_of, read_boots
from collectorkit.desk import Desk, make_register, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.storage.register import Register

SITE = "norte-01"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A collector's parts, at an agent that has run for 10,000 seconds."""
    made = Desk(tmp_path, ManualClock(mono_ms=10_000_000))
    yield made
    made.close()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    """A register that knows the site."""
    made = make_register(tmp_path, SITE)
    yield made
    made.close()


def test_a_boot_comes_without_a_time_and_finds_its_place_later(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.but(anchored=False).batch(1, 20))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        (boot,) = boots_of(unit, SITE)
    assert (boot.started_ms, boot.last_mono_ms, boot.clock_state) == (None, 2_000, "unsynced")
    began = desk.clock.wall_ms() - desk.clock.mono_ms()
    desk.send(desk.norte.birth(20))
    desk.feed_follower(register).step()
    with register.reading() as unit:
        (boot,) = boots_of(unit, SITE)
    assert (boot.started_ms, boot.estimated) == (began, False)


def test_the_end_of_a_boot_only_moves_on(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.batch(11, 20))
    run(desk.feed_follower(register))
    desk.clock.advance(60_000)
    desk.send(desk.norte.batch(1, 10))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        (boot,) = boots_of(unit, SITE)
    assert boot.last_mono_ms == 2_000
    assert boot.last_arrival_ms - boot.first_arrival_ms == 60_000


def test_a_boot_that_was_brought_is_not_brought_again(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.but(anchored=False).batch(1, 5))
    run(desk.feed_follower(register))
    desk.send(desk.norte.batch(6, 10))
    follower = desk.feed_follower(register)
    while follower.step():
        pass
    assert not desk.feed_follower(register).step()
    with register.reading() as unit:
        (boot,) = boots_of(unit, SITE)
    assert boot.started_ms is not None


def test_no_boot_lasts_beyond_what_was_heard_of_it(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.batch(1, 20))
    fields: dict[str, Value] = {"from_mono_ms": 1, "to_mono_ms": 2**50, "boot_id": desk.norte.boot_id, "count": 1}
    desk.send(desk.norte.message(desk.norte.payload([Row(21, 3_000, "not_recorded", (), fields)])))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        (told,) = boots_of(unit, SITE)
        ((_, _, started, ended),) = read_boots(unit, 0)[SITE]
    assert told.last_mono_ms == 2**50
    assert started < ended <= desk.clock.wall_ms() + 600_000


def test_what_is_no_boot_is_none_however_a_row_calls_it(desk: Desk, register: Register) -> None:
    """A key that some databases cannot hold would stand in the way of all other sites."""
    told = [("f" * 1_000, 5), ("", 5), ("a boot", 5), ("c0\0" + "c0" * 15, 5), ("d0" * 16, -5), ("e0" * 16, 5)]
    rows = [
        Row(seq, 1_000, "not_recorded", (), {"from_mono_ms": 1, "to_mono_ms": to_ms, "boot_id": boot_id, "count": 1})
        for seq, (boot_id, to_ms) in enumerate(told, 1)
    ]
    desk.send(desk.norte.message(desk.norte.payload(rows), Lane.LIVE))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        found = {boot.boot_id for boot in boots_of(unit, SITE)}
    assert found == {desk.norte.boot_id, "e0" * 16}


def test_what_a_later_boot_tells_of_one_before_takes_nothing_from_it(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.batch(1, 20))
    run(desk.feed_follower(register))
    desk.clock.advance(60_000)
    fields: dict[str, Value] = {"from_mono_ms": 1, "to_mono_ms": 9_000, "boot_id": desk.norte.boot_id, "count": 1}
    later = desk.norte.but(boot_id="b1" * 8, boot_no=2)
    desk.send(later.message(later.payload([Row(21, 100, "not_recorded", (), fields)])))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        before = next(boot for boot in boots_of(unit, SITE) if boot.boot_id == desk.norte.boot_id)
    assert (before.clock_state, before.last_mono_ms, before.estimated) == ("ntp", 9_000, False)
    assert before.started_ms is not None
