"""Whatever happens in whatever order: at last every reading is in the journal once, and the outbox is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from aldea.agents.uplink import Pace
from aldea.model.clock import ClockState
from delivery.world import HOUR, World

if TYPE_CHECKING:
    from random import Random

    import pytest

PACE = Pace(live_rows=7, bulk_rows=9, send_interval_ms=20_000, answer_ms=10_000, birth_again_ms=5_000)


def happen(world: World, chance: Random) -> None:
    """Something happens."""
    what = chance.choice(["record"] * 8 + ["run"] * 6 + ["away", "clock", "break", "agent", "power", "collector"])
    if what == "record":
        for _ in range(chance.randint(1, 6)):
            world.record()
            world.clock.advance(1_000)
    elif what == "run":
        world.loss = chance.choice([0.0, 0.1, 0.4, 0.8])
        world.run(chance.randint(1, 10))
    else:
        go_wrong(world, chance, what)


def go_wrong(world: World, chance: Random, what: str) -> None:
    """Something happens that nobody wants."""
    if what == "away":
        world.disconnect()
        world.clock.advance(chance.randint(1, 30) * HOUR)
    elif what == "clock":
        world.state = chance.choice(list(ClockState))
    elif what == "break":
        world.disconnect()
        world.up.clear()
    elif what == "agent":
        world.restart_agent()
    elif what == "power":
        world.power_cut(chance.randint(1, 600))
    else:
        world.restart_collector()


# Not shrunk: a smaller story of the same failure is not worth the minutes that finding it takes.
@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(chance=st.randoms(use_true_random=False))
def test_every_story_ends_well(tmp_path_factory: pytest.TempPathFactory, chance: Random) -> None:
    world = World(tmp_path_factory.mktemp("world"), chance=chance, pace=PACE)
    settled = 0
    for _ in range(30):
        happen(world, chance)
        if world.desk.ingestor.coverage.get(("norte-01", "agent", world.outbox.epoch)) is not None:
            assert world.coverage().contiguous_seq >= settled
            settled = world.coverage().contiguous_seq
    world.loss = 0.0
    world.record()
    world.run(200)
    world.check_all_arrived()
    assert world.quarantined() == []
    for item in world.stored():
        number = item.row.fields.get("uptime_seconds")
        if item.source in {"ntp", "server"} and isinstance(number, int):
            assert item.at_ms is not None
            assert abs(item.at_ms - world.expected[number]) <= 2_000
    world.close()
