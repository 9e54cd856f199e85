"""A box is replaced, and what its old disk still holds comes along: once, in its own order and at its own time."""

from __future__ import annotations

import shutil

import pytest

from aldea.agents.outbox import Limits
from aldea.model.clock import ClockState
from delivery.boxes import bring_in, is_sound, replace_box
from delivery.world import HOUR, Stored, World


def test_what_the_old_box_had_not_delivered_arrives_once_at_its_own_time(world: World) -> None:
    world.run(10)
    world.offline_for(2)
    world.power_cut(30)
    world.offline_for(1)
    old_epoch = world.outbox.epoch
    old = replace_box(world)
    world.record()
    world.run(20)
    assert world.coverage(old_epoch).open_rows == 0  # nobody has told of them since
    result = bring_in(world, old)
    assert result.rows >= 72
    assert (result.dropped, result.unreadable) == (0, 0)
    world.run(120)
    assert {item.epoch for item in world.stored()} == {old_epoch, world.outbox.epoch}
    is_sound(world)
    assert world.off_by_ms() <= HOUR


def test_rows_of_a_start_with_an_anchor_stand_where_they_were_measured(world: World) -> None:
    world.state = ClockState.NTP
    world.record()
    world.run(20)
    world.offline_for(1)
    old = replace_box(world)
    world.record()
    world.run(20)
    bring_in(world, old)
    world.run(60)
    is_sound(world)
    assert world.off_by_ms() <= 2_000


def test_a_disk_that_measured_on_after_the_new_box_began_keeps_its_times(world: World) -> None:
    world.state = ClockState.NTP
    world.record()
    world.talk.tick(world.now())
    old_box = world.outbox, world.folder / "agent", world.boot_id, world.booted_ms
    elsewhere = world.folder / "elsewhere"
    world.outbox.close()
    shutil.move(world.folder / "agent", elsewhere)
    world.hardware = "new"
    world.boot()
    world.run(20)
    new_box = world.outbox, world.talk, world.boot_id, world.booted_ms
    # The old one goes on, unheard, for a day.
    world.hardware, (_, _, world.boot_id, world.booted_ms) = "hardware", old_box
    shutil.move(world.folder / "agent", world.folder / "aside")
    shutil.move(elsewhere, world.folder / "agent")
    world.start_agent()
    for _ in range(24):
        world.clock.advance(HOUR)
        world.record()
        world.talk.tick(world.now())
    world.kill_agent()
    shutil.move(world.folder / "agent", elsewhere)
    shutil.move(world.folder / "aside", world.folder / "agent")
    world.hardware = "new"
    world.outbox, world.talk, world.boot_id, world.booted_ms = new_box
    bring_in(world, elsewhere)
    world.disconnect()
    world.run(60)
    is_sound(world)
    assert world.off_by_ms() <= 2_000


def test_taking_over_twice_changes_nothing(world: World) -> None:
    world.offline_for(1)
    old = replace_box(world)
    assert bring_in(world, old).rows > 0
    assert bring_in(world, old).nothing()
    world.run(60)
    given = world.outbox.bounds()
    assert bring_in(world, old).nothing()
    assert world.outbox.bounds() == given
    world.run(10)
    is_sound(world)


def test_an_old_box_that_never_reached_the_server_is_placed_before_the_new_one(world: World) -> None:
    world.offline_for(1)
    world.power_cut(60)
    world.offline_for(1)
    old = replace_box(world)
    world.record()
    world.run(20)
    began = min(boot.offset_ms for boot in world.boots_known() if boot.offset_ms is not None)
    bring_in(world, old)
    world.run(80)
    is_sound(world)
    taken = [item.at_ms for item in world.stored() if item.epoch != world.outbox.epoch]
    assert all(at_ms is not None and at_ms <= began + HOUR for at_ms in taken)
    hosts = [item for item in world.stored() if item.row.measurement == "host"]
    assert sorted(hosts, key=lambda item: item.at_ms or 0) == sorted(hosts, key=number_of)


def test_what_the_old_box_delivered_before_is_not_there_twice(world: World) -> None:
    world.offline_for(1)
    world.kill_agent()
    shutil.copytree(world.folder / "agent", world.folder / "image")  # before it delivered
    world.start_agent()
    world.run(60)
    replace_box(world)
    assert bring_in(world, world.folder / "image").rows > 0
    world.run(60)
    is_sound(world)


def test_a_chain_of_boxes_hands_on_what_nobody_delivered(world: World) -> None:
    world.offline_for(1)
    first = replace_box(world, "first")
    world.offline_for(1)
    bring_in(world, first)
    second = replace_box(world, "second")
    world.record()
    world.run(20)
    assert bring_in(world, second).rows >= 48
    assert bring_in(world, first).rows == 0
    world.run(150)
    is_sound(world)


def test_what_does_not_fit_is_reported_and_the_newest_rows_are_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aldea.agents.outbox.old.WINDOW", 20)
    world.record()
    world.run(20)
    world.offline_for(25)
    old_epoch = world.outbox.epoch
    given = world.outbox.bounds()[1]
    old = replace_box(world)
    result = bring_in(world, old, Limits(max_bytes=60_000))
    assert result.dropped > 0
    assert result.rows > 0
    assert result.rows + result.dropped < given
    world.run(200)
    record = world.coverage(old_epoch)
    assert (record.open_rows, record.lost_rows) == (0, 0)
    assert record.explained_rows == result.dropped
    assert max(item.row.seq for item in world.stored() if item.epoch == old_epoch) == given


def number_of(item: Stored) -> float:
    """The number of a reading."""
    number = item.row.fields["uptime_seconds"]
    assert isinstance(number, int)
    return number
