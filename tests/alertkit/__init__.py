"""A country of sites whose collector's feed a test writes by hand, and an engine that judges them minute by minute."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aldea.alert_rules.engine import Engine
from aldea.alert_rules.loading import load_rules
from aldea.alert_rules.notify.occasion import Occasion
from aldea.alert_rules.ruleset import RuleSet
from aldea.alert_rules.shipped import rules_of
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, Unit
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.incidents import Incident, IncidentState, list_incidents
from aldea.storage.register.outages import note_outage
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
START_MS = 1_750_000_000_000 - 1_750_000_000_000 % DAY
"""A UTC midnight."""

QUICK = """
version: 1
rules:
  - {name: site_silent, kind: site_silent, enabled: false}
  - {name: sustained_loss, kind: sustained_loss, enabled: false}
"""


@dataclass
class Told:
    """An announcer that remembers what it was given, in the engine's transaction; it may be told to break down."""

    said: list[Occasion] = field(default_factory=list)
    failing: Exception | None = None

    def announce(self, unit: Unit, occasion: Occasion, at_ms: int) -> int:
        assert unit.connection.in_transaction()
        assert at_ms > 0
        if self.failing is not None:
            raise self.failing
        self.said.append(occasion)
        return 1

    def words(self) -> list[tuple[str, str | None]]:
        return [(one.transition.value, one.site) for one in self.said]


@dataclass
class Village:
    """How a site behaves: it sends every `send_seconds` while `up` says so."""

    site: str
    send_seconds: int = 60
    up: bool = True
    loss: float = 0.0
    connection: int = 0
    simulated: bool = False


class Country:
    """Sites, one collector and one engine on a clock that the test moves."""

    def __init__(self, register: Register, clock: ManualClock | None = None, rules: RuleSet | None = None) -> None:
        self.register = register
        self.clock = clock or ManualClock(wall_ms=START_MS)
        self.told = Told()
        self.rules = rules or rules_of()
        self.villages: dict[str, Village] = {}
        self.collector_up = True
        self.link_up = True
        self.engine = self.new_engine()
        self.engine_up = True
        self._holders = itertools.count(2)
        self._was_away = False
        self._position = 0
        self._arriving: list[FeedEvent] = []

    def new_engine(self, holder: str = "first") -> Engine:
        return Engine(self.register, self.clock, self.rules, self.told, holder)

    def restart_engine(self) -> None:
        """As after a crash: another process, nothing in memory."""
        self.engine.close()
        self.engine = self.new_engine(f"engine-{next(self._holders)}")

    def add(
        self,
        *sites: str,
        send_seconds: int = 60,
        simulated: bool = False,
        state: SiteState = SiteState.COMMISSIONED,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        now = self.clock.wall_ms()
        entries = []
        for site in sites:
            place = Site(site, site.title(), "America/Mexico_City", now, simulated=simulated)
            agent = Device(site, "agent", "agent", now)
            known = tuple(NewFact(name, value) for name, value in (facts or {}).items())
            entries.append(SiteEntry(place, now, state, known, (agent,)))
            self.villages[site] = Village(site, send_seconds, simulated=simulated)
        with self.register.transaction() as unit:
            add_sites(unit, entries)
        for site in sites:
            self.birth(site)

    # What arrives -----------------------------------------------------------------------------------------------

    def birth(self, site: str) -> None:
        village = self.villages[site]
        village.connection += 1
        summary = {"state": "online", "connection": village.connection, "send_seconds": village.send_seconds}
        self.append("presence", site, "status", summary)

    def will(self, site: str) -> None:
        self.append("presence", site, "status", {"state": "offline", "connection": self.villages[site].connection})

    def batch(self, site: str, *, lane: str = "live", event_to_ms: int | None = None, loss: float = 0.0) -> None:
        sent = 15
        summary = {"ping": {"anchor": [sent, round(sent * (1 - loss))]}}
        self.append("batch", site, lane, summary, event_to_ms)

    def append(
        self, kind: Any, site: str, lane: str, summary: Mapping[str, Any], event_to_ms: int | None = None
    ) -> None:
        if not self.collector_up or not self.link_up:
            return
        self._position += 1
        now, position = self.clock.wall_ms(), self._position
        seqs: dict[str, Any] = {"epoch": "e1", "first_seq": position, "last_seq": position} if kind == "batch" else {}
        self._arriving.append(
            FeedEvent(
                "c1", position, kind, site, "agent", now, lane, rows=1, summary=summary, event_to_ms=event_to_ms, **seqs
            )
        )

    def report(self, *, connected: bool = True) -> None:
        if not self.collector_up:
            self._was_away = True
            return
        now, position = self.clock.wall_ms(), self._position
        with self.register.transaction() as unit:
            append_feed(unit, self._arriving)
            self._arriving = []
            if self._was_away:
                note_outage(unit, "c1", now)
                self._was_away = False
            status = CollectorStatus(
                "c1", now, connected, now, journal_position=position, series_position=position, feed_position=position
            )
            upsert_collector_status(unit, status)

    # Time -------------------------------------------------------------------------------------------------------

    def run(self, seconds: int, *, every: int = 5, meanwhile: Callable[[int], None] | None = None) -> None:
        """Let `seconds` pass in steps: sites that are up send, the collector reports, the engine judges."""
        for _ in range(0, seconds, every):
            self.clock.advance(every * SECOND)
            second = (self.clock.wall_ms() - START_MS) // SECOND
            for number, village in enumerate(self.villages.values()):
                if village.up and (second + 7 * number) // every % max(1, village.send_seconds // every) == 0:
                    self.batch(village.site, loss=village.loss)
            if meanwhile is not None:
                meanwhile(second)
            self.report()
            self.judge()

    def judge(self) -> None:
        self._deliver()
        if self.engine_up:
            while self.engine.step():
                pass

    def _deliver(self) -> None:
        """Let what has arrived since the last report come into the feed."""
        if self._arriving:
            with self.register.transaction() as unit:
                append_feed(unit, self._arriving)
            self._arriving = []

    def cut(self, *sites: str) -> None:
        for site in sites:
            self.villages[site].up = False

    def mend(self, *sites: str) -> None:
        for site in sites:
            self.villages[site].up = True
            self.birth(site)

    def outage(self, site: str) -> None:
        """A site comes up, is cut off for twenty minutes, and is well again for ten."""
        self.add(site)
        self.run(60)
        self.cut(site)
        self.run(20 * 60)
        self.mend(site)
        self.run(10 * 60)

    # What came of it --------------------------------------------------------------------------------------------

    def incidents(self, rule: str | None = None) -> list[Incident]:
        with self.register.reading() as unit:
            found = list_incidents(unit, limit=1000)
        return [one for one in reversed(found) if rule is None or one.rule == rule]

    def firing(self, rule: str | None = None) -> list[str | None]:
        return [one.site for one in self.incidents(rule) if one.state is IncidentState.FIRING]


def rules(text: str) -> RuleSet:
    """Return the rules of a text, alone."""
    return load_rules([("test.yaml", text)])


def names(prefix: str, count: int) -> Sequence[str]:
    return [f"{prefix}-{number:02}" for number in range(count)]
