"""The agent's clock says what it likes; its rows end at the right time, and none in quarantine."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from aldea.agents.machine import RELEASED_MS
from aldea.model.clock import ClockState
from delivery.world import DAY, HOUR, START_MS

if TYPE_CHECKING:
    from delivery.world import World

WRONG = [HOUR, -HOUR, 365 * DAY, -365 * DAY]


@pytest.mark.parametrize("error_ms", WRONG)
def test_a_wrong_ntp_is_found_out(world: World, error_ms: int) -> None:
    world.state, world.wall_error_ms = ClockState.NTP, error_ms
    world.offline_for(2)
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []


@pytest.mark.parametrize("error_ms", WRONG)
def test_a_birth_that_the_broker_remembers_does_not_bring_a_wrong_time_back(world: World, error_ms: int) -> None:
    world.state, world.wall_error_ms = ClockState.NTP, error_ms
    world.offline_for(1)
    world.run()
    world.disconnect()
    world.restart_collector()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000


@pytest.mark.parametrize("error_ms", WRONG)
def test_a_wrong_ntp_is_found_out_over_a_link_too_slow_to_tell_the_time(world: World, error_ms: int) -> None:
    world.state, world.wall_error_ms, world.delay_ms = ClockState.NTP, error_ms, 4_000
    world.offline_for(2)
    world.run()
    world.check_all_arrived()
    assert world.quarantined() == []
    world.delay_ms = 100
    world.record()
    world.run(80)
    assert world.off_by_ms() <= 2_000


@pytest.mark.parametrize("error_ms", WRONG)
def test_a_wrong_ntp_is_found_out_when_the_hello_answers_an_older_birth(world: World, error_ms: int) -> None:
    world.state = ClockState.NTP
    world.record()
    world.run(10)
    world.disconnect()
    world.kill_agent()
    world.start_agent()
    world.wall_error_ms = error_ms
    world.record()
    world.online = True
    world.talk.connecting(world.now())
    world.talk.connected(world.now())  # this birth is lost on its way
    world.restart_collector()
    world.run(80)
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []


@pytest.mark.parametrize("error_ms", WRONG)
def test_a_boot_that_ended_with_a_wrong_ntp_is_stored_all_the_same(world: World, error_ms: int) -> None:
    world.record()
    world.run(10)
    world.state, world.wall_error_ms = ClockState.NTP, error_ms
    world.power_cut()
    world.offline_for(1)
    world.power_cut()
    world.run()
    world.check_all_arrived()
    assert world.quarantined() == []
    if error_ms > DAY:  # what is still to come cannot have been measured; other errors nobody can see
        assert world.off_by_ms() <= HOUR


def test_a_wall_clock_that_jumps_moves_nothing(world: World) -> None:
    world.state = ClockState.NTP
    for jump in (HOUR, -3 * HOUR, 365 * DAY, -366 * DAY, 0):
        world.record()
        world.run(30)
        world.wall_error_ms += jump
        world.record()
        world.step()
    world.run(80)
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []


def test_a_clock_at_1970_is_no_hindrance(world: World) -> None:
    world.wall_error_ms = -world.clock.wall_ms()
    world.offline_for(1)
    world.run()
    world.restart_agent()
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []


def test_a_link_too_slow_to_tell_the_time_still_delivers(world: World) -> None:
    world.delay_ms = 20_000
    world.offline_for(1)
    world.run(60)
    world.check_all_arrived()


BOOTS = {
    "at 1970": -START_MS,
    "at this build's date": RELEASED_MS - START_MS,
    "a year ahead": 365 * DAY,
    "a year behind": -365 * DAY,
    "an hour ahead": HOUR,
    "an hour behind": -HOUR,
}


@pytest.mark.parametrize("state", [ClockState.UNSYNCED, ClockState.RTC])
@pytest.mark.parametrize("error_ms", BOOTS.values(), ids=BOOTS.keys())
def test_a_boot_at_any_time_is_put_right_by_the_first_answer(world: World, error_ms: int, state: ClockState) -> None:
    world.state, world.wall_error_ms = state, error_ms
    world.offline_for(2)
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []
    assert in_order(world)


@pytest.mark.parametrize("error_ms", BOOTS.values(), ids=BOOTS.keys())
def test_ntp_that_steps_the_clock_in_the_middle_moves_no_row(world: World, error_ms: int) -> None:
    world.wall_error_ms = error_ms
    world.offline_for(1)
    world.state, world.wall_error_ms = ClockState.NTP, 0
    world.offline_for(1)
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert in_order(world)


@pytest.mark.parametrize("error_ms", BOOTS.values(), ids=BOOTS.keys())
def test_ntp_that_steps_away_and_back_between_sendings_moves_no_row(world: World, error_ms: int) -> None:
    world.state = ClockState.NTP
    world.record()
    world.run()
    for wrong in (error_ms, 0):
        world.wall_error_ms = wrong
        world.record()
        world.run(10)
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []


@pytest.mark.parametrize("error_ms", BOOTS.values(), ids=BOOTS.keys())
def test_two_boots_that_never_sync_lie_between_their_neighbours_in_order(world: World, error_ms: int) -> None:
    world.record()
    world.run()
    known_until = world.clock.wall_ms()
    world.state = ClockState.RTC
    for number in range(2):
        world.wall_error_ms = error_ms if number else -error_ms
        world.power_cut()
        world.offline_for(1)
    world.power_cut()
    known_from = world.clock.wall_ms()
    world.run()
    world.check_all_arrived()
    assert world.quarantined() == []
    assert in_order(world)
    guessed = [item for item in world.stored() if item.source == "estimated"]
    assert len({item.row.mono_ms for item in guessed}) > 2
    assert all(item.at_ms is not None and known_until - HOUR <= item.at_ms <= known_from for item in guessed)
    assert [boot.source for boot in sorted(world.boots_known(), key=lambda boot: boot.boot_no)] == [
        "server",
        "estimated",
        "estimated",
        "server",
    ]
    assert world.off_by_ms() <= HOUR


def in_order(world: World) -> bool:
    """Whether the rows' times stand in the order in which they were measured."""
    times = {item.row.fields.get("uptime_seconds"): item.at_ms for item in world.stored()}
    found = [times[number] for number in sorted(world.expected)]
    return all(one is not None and other is not None and one < other for one, other in pairwise(found))
