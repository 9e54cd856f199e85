"""A boot ends with rows undelivered: each ends in the journal once, at its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.model.clock import ClockState
from delivery.world import DAY, HOUR

if TYPE_CHECKING:
    from delivery.world import World


def test_a_backlog_of_an_anchored_boot_arrives_at_its_own_time(world: World) -> None:
    world.offline_for(10)
    world.run()
    world.offline_for(5)
    world.power_cut()
    world.record()
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.quarantined() == []


def test_the_last_words_of_ntp_place_a_boot_that_never_met_the_server(world: World) -> None:
    world.state = ClockState.NTP
    world.offline_for(3)
    world.power_cut(600)
    world.state = ClockState.UNSYNCED
    world.wall_error_ms = -world.clock.wall_ms()
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000


def test_a_boot_that_never_knew_the_time_waits_and_is_then_placed_between_its_neighbours(world: World) -> None:
    world.record()
    world.run()
    world.power_cut()
    world.offline_for(2)
    world.power_cut()
    world.offline_for(1)
    world.power_cut()
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= HOUR
    assert [boot.source for boot in world.boots_known()].count("estimated") == 2


def test_a_boot_without_time_and_without_an_earlier_neighbour_ends_where_the_next_begins(world: World) -> None:
    world.offline_for(2)
    world.power_cut()
    world.run()
    world.check_all_arrived()
    assert world.off_by_ms() <= HOUR


def test_a_boot_without_time_is_placed_even_when_an_earlier_outbox_counted_more_boots(world: World) -> None:
    for _ in range(3):
        world.record()
        world.run(10)
        world.power_cut()
        world.offline_for(1)
        world.run()
        world.power_cut()
    world.kill_agent()
    (world.folder / "agent" / "outbox.sqlite").unlink()
    world.boot()
    world.offline_for(2)
    world.power_cut()
    world.run()
    assert world.serials() == sorted(world.expected)
    assert world.off_by_ms() <= HOUR


def test_two_boots_in_a_short_loop_leave_nothing_behind(world: World) -> None:
    world.run()
    for _ in range(5):
        world.record()
        world.power_cut(1)
    world.run(80)
    world.check_all_arrived()
    assert world.off_by_ms() <= 10 * 60_000


def test_uptime_of_weeks_does_not_confuse_a_boot_that_is_seconds_old(world: World) -> None:
    world.offline_for(20)
    world.run(60)
    world.restart_collector()
    world.offline_for(2)
    world.power_cut(60)
    world.restart_collector()
    world.run(60)
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert max(world.expected.values()) - min(world.expected.values()) > DAY
