"""From an agent's bytes to settled truth: a real journal, its followers, a real register, a settler behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from aldea.collector.settling import Settler
from aldea.model.sample import Reading
from aldea.storage.register.boots import boots_of
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.feed import last_position
from aldea.storage.register.sites import SiteState, set_state
from aldea.storage.register.tables import collector_status
from aldea.storage.register.truth import read_intervals, settled_until
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import NAME, make_register, run
from delivery.world import HOUR, SITE, START_MS, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.model.truth import Interval
    from aldea.storage.register import Register

MINUTE = 60_000


class Whole:
    """An agent, a collector with both followers, and a settler."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        (folder / "server").mkdir()
        self.register: Register = make_register(folder / "server", SITE)
        with self.register.transaction() as unit:
            set_state(unit, SITE, SiteState.CLOSED, 0)
            set_state(unit, SITE, SiteState.COMMISSIONED, START_MS)
        self.store = SqliteSeriesStore(folder / "server" / "series.db")
        self.series = self.world.desk.series_follower(self.store)
        self.feed = self.world.desk.feed_follower(self.register)
        self.settler = Settler(self.register, self.store, self.world.clock)

    def measure(self, minutes: int, *, anchor: int, gateway: int = 3) -> None:
        """A round each five minutes."""
        for _ in range(minutes // 5):
            self.world.record(
                Reading("ping", {"sent": 3, "received": anchor}, {"target": "1.1.1.1", "role": "anchor"}),
                Reading("ping", {"sent": 3, "received": gateway}, {"target": "192.168.1.1", "role": "gateway"}),
            )
            self.world.clock.advance(5 * MINUTE)

    def settle(self) -> list[Interval]:
        """Let the followers and the settler do all there is."""
        run(self.series)
        run(self.feed)
        with self.register.transaction() as unit:
            unit.connection.execute(delete(collector_status))  # it has been there all along
            reached = last_position(unit, NAME)
            now = self.world.clock.wall_ms()
            upsert_collector_status(unit, CollectorStatus(NAME, now, True, now, reached, reached, reached))
        for _ in range(500):
            if not self.settler.step():
                break
        self.world.clock.advance(MINUTE)
        while self.settler.step():
            pass
        with self.register.reading() as unit:
            return list(read_intervals(unit, [SITE], START_MS, self.world.clock.wall_ms()))

    def close(self) -> None:
        """Close the files."""
        self.store.close()
        self.register.close()
        self.world.close()


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    """All of it."""
    made = Whole(tmp_path)
    yield made
    made.close()


def states(intervals: list[Interval]) -> list[tuple[str, str | None, int]]:
    """Return (state, cause, hours, rounded)."""
    return [(item.state.value, item.cause, round((item.end_ms - item.start_ms) / HOUR)) for item in intervals]


def test_an_outage_that_only_the_agent_saw(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    assert states(whole.settle()) == [("up", None, 2)]
    whole.world.disconnect()
    whole.measure(180, anchor=0)
    assert states(whole.settle()) == [("up", None, 2), ("unknown", None, 3)]
    whole.measure(60, anchor=3)
    whole.world.run(40)
    found = whole.settle()
    assert states(found) == [("up", None, 2), ("down", "backhaul", 3), ("up", None, 1)]
    assert found[1].evidence["gateway"] == "answers"
    with whole.register.reading() as unit:
        settled = settled_until(unit, SITE)
    assert settled is not None
    assert whole.world.clock.wall_ms() - settled < HOUR // 2


def test_a_power_cut_without_a_witness_and_the_boots_that_tell_of_it(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    whole.world.power_cut(minutes=180)
    whole.world.run(3)
    whole.measure(60, anchor=3)
    whole.world.run(5)
    found = whole.settle()
    assert states(found) == [("up", None, 2), ("unknown", None, 3), ("up", None, 1)]
    assert found[1].evidence["reason"] == "power_cut_or_agent_unplugged"
    with whole.register.reading() as unit:
        first, second = sorted(boots_of(unit, SITE), key=lambda boot: boot.started_ms or 0)
    assert first.started_ms is not None
    assert second.started_ms is not None
    assert abs(second.started_ms - (first.started_ms + first.last_mono_ms) - 3 * HOUR) < HOUR // 6


def test_a_boot_that_never_knew_the_time_is_judged_once_it_has_a_place(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    whole.world.power_cut(minutes=60)
    whole.measure(120, anchor=0)
    whole.world.power_cut(minutes=60)
    whole.world.run(3)
    whole.measure(60, anchor=3)
    whole.world.run(60)
    found = states(whole.settle())
    assert found == [
        ("up", None, 2),
        ("unknown", None, 1),
        ("down", "backhaul", 2),
        ("unknown", None, 1),
        ("up", None, 1),
    ]
    with whole.register.reading() as unit:
        middle = sorted(boots_of(unit, SITE), key=lambda boot: boot.started_ms or 0)[1]
    assert middle.estimated
