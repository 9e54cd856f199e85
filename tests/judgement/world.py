"""A real agent, a real collector's parts, and all that judges, on one clock that is moved by hand.

Only the broker and the threads are left out; messages leave to a real web server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.alert_rules.engine.engine import Engine
from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.provider import ProviderSender
from aldea.alert_rules.settings import AlertSettings
from aldea.alert_rules.shipped import rules_of
from aldea.collector.settling import Settler
from aldea.indicators.periods import month_at
from aldea.indicators.work import IndicatorWork
from aldea.model.sample import Reading
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.contacts import ContactPoint, add_contact
from aldea.storage.register.feed import last_position
from aldea.storage.register.incidents import Incident, list_incidents
from aldea.storage.register.indicator_values import IndicatorValue, ValueFilter, read_values
from aldea.storage.register.people import Grant, add_person, give_role
from aldea.storage.register.sites import SiteState, set_state
from aldea.storage.register.truth import read_intervals
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import NAME, make_register, run
from delivery.world import SITE, START_MS, World

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.model.truth import Interval

MINUTE, HOUR = 60_000, 3_600_000


@dataclass
class Village:
    """What the agent's probes find."""

    anchor: int = 3
    gateway: int = 3


class Judged:
    """One site, from its probes to its figures. `collecting` and `judging`: whether those parts run."""

    def __init__(self, folder: Path, webhook: str) -> None:
        self.world = World(folder)
        self.clock = self.world.clock
        self.village = Village()
        self.collecting = self.judging = True
        server = folder / "server"
        server.mkdir()
        self.register = make_register(server, SITE)
        with self.register.transaction() as unit:
            set_state(unit, SITE, SiteState.CLOSED, 0)
            set_state(unit, SITE, SiteState.COMMISSIONED, START_MS)
            add_person(unit, "tecnica", "Técnica", START_MS)
            give_role(unit, Grant("tecnica", "technician", "", "", START_MS, None))
            add_contact(unit, ContactPoint("tecnica", "webhook", {"url": webhook}, "es", START_MS))
        self.store = SqliteSeriesStore(server / "series.db")
        self.series = self.world.desk.series_follower(self.store)
        self.feed = self.world.desk.feed_follower(self.register)
        self.settings = AlertSettings(send_timeout_seconds=30.0)
        self.sender = ProviderSender(self.settings, self.clock)
        self.serial = 0
        self.start_judging()

    def start_judging(self) -> None:
        """A new process: nothing is remembered but what is in the stores."""
        self.serial += 1
        announcer = Announcer(self.settings, Writer(self.settings.pages_url))
        self.engine = Engine(self.register, self.clock, rules_of(), announcer, f"holder-{self.serial}")
        self.dispatcher = Dispatcher(self.register, self.clock, self.sender, self.settings)
        self.settler = Settler(self.register, self.store, self.clock)
        self.indicators = IndicatorWork(self.register, self.clock)

    def minutes(self, count: int) -> None:
        """Let time pass: a round of measurements each five minutes, and everybody at work."""
        for minute in range(count):
            if minute % 5 == 0:
                self.world.record(
                    _ping("anchor", "1.1.1.1", self.village.anchor),
                    _ping("gateway", "192.168.1.1", self.village.gateway),
                )
            self.world.step(MINUTE)
            self.collect()
            self.judge()

    def collect(self) -> None:
        """Let the collector's followers do all there is, and report."""
        if not self.collecting:
            return
        run(self.series)
        run(self.feed)
        now = self.clock.wall_ms()
        with self.register.transaction() as unit:
            reached = last_position(unit, NAME)
            upsert_collector_status(unit, CollectorStatus(NAME, now, True, now, reached, reached, reached))

    def judge(self) -> None:
        """Let all that judges do what is due."""
        if not self.judging:
            return
        while self.engine.step():
            pass
        while self.dispatcher.step():
            pass
        while self.settler.step():
            pass

    # ------------------------------------------------------------ what came of it

    def incidents(self) -> list[Incident]:
        """All incidents, oldest first."""
        with self.register.reading() as unit:
            return list(reversed(list_incidents(unit, limit=100)))

    def intervals(self) -> list[Interval]:
        """The site's settled truth."""
        with self.register.reading() as unit:
            return list(read_intervals(unit, [SITE], START_MS, self.clock.wall_ms()))

    def availability(self) -> IndicatorValue:
        """The site's availability of the running month, worked out now."""
        self.indicators.step()
        month = month_at(self.clock.wall_ms(), "America/Merida").code
        with self.register.reading() as unit:
            wanted = ValueFilter(False, ["acc_availability_total_pct"], [month], level="site", codes=[SITE])
            (found,) = read_values(unit, wanted)
        return found

    def close(self) -> None:
        """Close everything."""
        self.dispatcher.close()
        self.sender.close()
        self.store.close()
        self.register.close()
        self.world.close()


def _ping(role: str, target: str, received: int) -> Reading:
    return Reading("ping", {"sent": 3, "received": received}, {"target": target, "role": role})
