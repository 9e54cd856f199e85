"""What the outbox gives up, the collector can account for, seq by seq."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aldea.agents.outbox import Limits, Reserve, Span
from aldea.model.intervals import IntervalSet
from delivery.world import DAY, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL = Limits(max_bytes=80_000)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An agent with a small outbox."""
    made = World(tmp_path, limits=SMALL)
    yield made
    made.close()


def check_accounts(world: World, epoch: str | None = None) -> int:
    """Every seq is stored or explained, by the gaps that tell which; return how many were given up."""
    record = world.coverage(epoch)
    stored = IntervalSet((item.row.seq, item.row.seq) for item in world.stored() if item.epoch == record.epoch)
    missing = stored.missing(1, record.last_seq)
    assert [(first, last) for first, last, state in record.gaps if state == "explained"] == missing
    assert (record.open_rows, record.lost_rows) == (0, 0)
    assert record.explained_rows == sum(last - first + 1 for first, last in missing)
    return record.explained_rows


def test_tombstones_explain_exactly_what_was_dropped_for_want_of_room(world: World) -> None:
    world.record()
    world.run(10)
    world.offline_for(60)
    held = world.outbox.stats().rows
    world.run(200)
    assert world.outbox.stats().rows == 0
    given_up = check_accounts(world)
    assert given_up > 100
    assert len(world.stored()) == world.outbox.bounds()[1] - given_up >= held


def test_tombstones_of_several_boots_explain_what_was_dropped(world: World) -> None:
    for _ in range(4):
        world.offline_for(30)
        world.power_cut()
    world.run(300)
    assert check_accounts(world) > 100


def test_what_grew_too_old_is_explained_and_boots_between_are_not(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(max_age_ms=10 * DAY))
    world.record()
    world.run(10)
    world.offline_for(4)
    world.power_cut()
    world.offline_for(2)  # a boot that never knew the time is kept: nobody knows how old it is
    world.power_cut()
    world.offline_for(9)
    world.run(200)
    world.offline_for(12)
    world.run(200)
    assert world.outbox.stats().rows == 0
    assert check_accounts(world) > 24
    world.close()


def test_tombstones_of_an_old_epoch_explain_that_epoch_and_no_other(world: World) -> None:
    world.record()
    world.run(10)
    world.kill_agent()
    shutil.copytree(world.folder / "agent", world.folder / "copy")
    world.start_agent()
    world.offline_for(30)
    world.run(60)
    world.offline_for(30)
    world.run(60)
    world.kill_agent()
    old = world.outbox.epoch
    before = world.coverage(old)
    shutil.rmtree(world.folder / "agent")
    shutil.copytree(world.folder / "copy", world.folder / "agent")
    world.boot()
    world.offline_for(45)
    world.run(60)
    assert world.outbox.epoch != old
    assert world.outbox.stats().rows == 0
    assert check_accounts(world) == 0
    assert any(item.row.fields.get("epoch") == old for item in world.stored())
    assert world.coverage(old).stored_rows == before.stored_rows


def test_what_could_not_be_recorded_is_told_as_a_row(world: World) -> None:
    world.run(5)
    world.kill_agent()
    reserve = Reserve(world.folder / "agent" / "outbox.reserve")
    reserve.note(Span(world.boot_id, 1_000, 61_000, 7, "disk_full"))
    world.start_agent()
    world.record()
    world.run()
    told = [item.row.fields for item in world.stored() if item.row.measurement == "not_recorded"]
    assert told == [
        {"boot_id": world.boot_id, "count": 7, "from_mono_ms": 1_000, "reason": "disk_full", "to_mono_ms": 61_000}
    ]
    world.check_all_arrived()
