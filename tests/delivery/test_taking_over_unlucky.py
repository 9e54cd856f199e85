"""A box is replaced whose disk is damaged, by a command that is killed, or again and again: all arrives once."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agentkit.disks import spoil_leaves
from aldea.agents.outbox.database import transaction
from aldea.agents.uplink import Pace
from delivery.boxes import bring_in, is_sound, replace_box
from delivery.world import World

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from random import Random

PACE = Pace(live_rows=7, bulk_rows=9, send_interval_ms=20_000, answer_ms=10_000, birth_again_ms=5_000)


class Cut(BaseException):
    """The process is killed here."""


def test_of_a_damaged_file_the_readable_rows_are_taken_and_the_others_reported(world: World) -> None:
    world.record()
    world.run(20)
    world.offline_for(30)
    old_epoch = world.outbox.epoch
    held = world.outbox.stats().rows
    old = replace_box(world)
    spoil_leaves(old / "outbox.sqlite", 2)
    result = bring_in(world, old)
    assert 0 < result.rows < held
    assert result.unreadable >= held - result.rows > 0
    assert bring_in(world, old).nothing()
    world.run(150)
    record = world.coverage(old_epoch)
    assert (record.open_rows, record.lost_rows) == (0, 0)
    assert record.explained_rows == held - result.rows
    assert world.serials() == sorted(set(world.serials()))


@pytest.mark.parametrize("after", range(1, 8))
def test_a_take_over_killed_anywhere_is_finished_by_doing_it_again(
    world: World, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.record()
    world.run(10)
    world.offline_for(1)
    world.power_cut()
    world.offline_for(1)
    old = replace_box(world)
    monkeypatch.setattr("aldea.agents.outbox.old.WINDOW", 10)
    left = [after]

    def killed(db: sqlite3.Connection) -> AbstractContextManager[None]:
        left[0] -= 1
        if left[0] == 0:
            raise Cut
        return transaction(db)

    with monkeypatch.context() as patch:
        patch.setattr("aldea.agents.outbox.taking_over.transaction", killed)
        with pytest.raises(Cut):
            bring_in(world, old)
    world.restart_agent()
    world.run(10)
    bring_in(world, old)
    world.run(120)
    is_sound(world)


def happen(world: World, chance: Random, disks: list[Path], step: int) -> None:
    """Something happens."""
    what = chance.choice(["record", "record", "run", "run", "cut", "replace", "bring", "bring", "collector"])
    if what == "record":
        for _ in range(chance.randint(1, 9)):
            world.record()
            world.clock.advance(60_000)
    elif what == "run":
        world.loss = chance.choice([0.0, 0.3, 0.7])
        world.run(chance.randint(1, 6))
    elif what == "cut":
        world.power_cut()
    elif what == "replace":
        disks.append(replace_box(world, f"old-{step}"))
    elif what == "bring" and disks:
        bring_in(world, chance.choice(disks))
    elif what == "collector":
        world.restart_collector()


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(chance=st.randoms(use_true_random=False))
def test_whatever_happens_between_replacements_all_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, chance: Random
) -> None:
    world = World(tmp_path_factory.mktemp("world"), chance=chance, pace=PACE)
    disks: list[Path] = []
    for step in range(12):
        happen(world, chance, disks, step)
    world.loss = 0.0
    for disk in disks:
        bring_in(world, disk)
    world.record()
    world.run(250)
    is_sound(world)
    world.close()
