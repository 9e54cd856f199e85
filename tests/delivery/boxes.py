"""A box is replaced by another, and what its disk still holds is brought in: then all is there once."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from aldea.agents.outbox import Limits
from aldea.agents.outbox.old import OldOutbox, copy_file
from aldea.agents.outbox.taking_over import NewOutbox, Result

if TYPE_CHECKING:
    from pathlib import Path

    from delivery.world import World


def replace_box(world: World, name: str = "old", minutes: int = 0) -> Path:
    """The box dies; another one takes its place, later, with an empty disk. Return the old disk's folder."""
    world.kill_agent()
    world.clock.advance(minutes * 60_000)
    old = world.folder / name
    (world.folder / "agent").rename(old)
    world.hardware = f"after {name}"
    world.boot()
    return old


def bring_in(world: World, old: Path, limits: Limits | None = None) -> Result:
    """Do what `take-over` does, while the agent runs."""
    copy = world.folder / "copy.sqlite"
    for suffix in ("", "-wal", "-shm"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    copy_file(old / "outbox.sqlite", copy)
    with (
        closing(OldOutbox(copy, old / "outbox.reserve")) as there,
        closing(NewOutbox(world.folder / "agent", limits or Limits(), world.hardware)) as here,
    ):
        return here.take_over(there)


def is_sound(world: World) -> None:
    """Every reading is in the journal once, and nothing is open in any epoch."""
    assert world.serials() == sorted(world.expected)
    assert world.outbox.stats().rows == 0
    assert world.outbox.dead_letters() == []
    for stream in world.desk.journal.streams():
        record = world.coverage(stream.epoch)
        assert (record.open_rows, record.lost_rows) == (0, 0)
    assert world.quarantined() == []
