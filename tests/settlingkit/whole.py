"""An agent, a collector and a settler in one, over real files; time is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from aldea.collector.settling import Settler
from aldea.model.sample import Reading
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.feed import last_position
from aldea.storage.register.sites import SiteState, set_state
from aldea.storage.register.tables import collector_status
from aldea.storage.register.truth import read_intervals
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import NAME, make_register, run
from delivery.world import SITE, START_MS, World

if TYPE_CHECKING:
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
