"""The agent's clock says what it likes; its rows end at the right time, and none in quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.model.clock import ClockState
from delivery.world import DAY, HOUR

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
