"""What a step of the alert engine costs with ten thousand sites: idle, a second's arrivals, and starting."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.alert_rules.engine import Engine
from aldea.alert_rules.shipped import rules_of
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from bench.report import Figure, median, percentile

if TYPE_CHECKING:
    from aldea.alert_rules.notify.occasion import Occasion
    from aldea.storage.register import Unit

SITES, SEND_SECONDS = 10_000, 60
STEP_BUDGET_MS = 50.0


class _Nobody:
    def announce(self, unit: Unit, occasion: Occasion, at_ms: int) -> int:
        del unit, occasion, at_ms
        return 0


def section(*, quick: bool) -> list[Figure]:
    """Measure steps of one second each."""
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as name:
        register = open_register(f"sqlite:///{Path(name) / 'register.db'}")
        register.migrate()
        clock = ManualClock()
        _fill(register, clock.wall_ms())
        engine = Engine(register, clock, rules_of(), _Nobody(), "bench")
        position = 0
        _report(register, clock.wall_ms(), position)
        started = _timed(engine)
        idle: list[float] = []
        busy: list[float] = []
        for second in range(90 if quick else 240):
            clock.advance(1000)
            sites = [number for number in range(SITES) if number % SEND_SECONDS == second % SEND_SECONDS]
            position = _arrive(register, clock.wall_ms(), position, sites)
            _report(register, clock.wall_ms(), position)
            busy.append(_timed(engine))
            clock.advance(1)
            idle.append(_timed(engine))
        register.close()
    return [
        Figure(f"idle step, {SITES:,} sites, p95", percentile(idle, 0.95), "ms", STEP_BUDGET_MS),
        Figure(f"step with {SITES // SEND_SECONDS} arrivals, median", median(busy), "ms"),
        Figure(f"first step, {SITES:,} sites", started, "ms"),
    ]


def _timed(engine: Engine) -> float:
    began = time.perf_counter()
    while engine.step():
        pass
    return (time.perf_counter() - began) * 1000


def _fill(register: Register, now: int) -> None:
    with register.transaction() as unit:
        add_sites(unit, [_entry(number, now) for number in range(SITES)])


def _entry(number: int, now: int) -> SiteEntry:
    key = f"site-{number:05}"
    facts = (NewFact("provider", f"provider-{number % 7}"), NewFact("state_name", f"state-{number % 32}"))
    site = Site(key, key, "America/Mexico_City", now)
    return SiteEntry(site, now, SiteState.COMMISSIONED, facts, (Device(key, "agent", "agent", now),))


def _arrive(register: Register, now: int, position: int, sites: list[int]) -> int:
    summary = {"ping": {"anchor": [15, 15]}}
    events = [
        FeedEvent(
            "c1",
            position + place,
            "batch",
            f"site-{number:05}",
            "agent",
            now,
            "live",
            5,
            "e",
            place,
            place,
            now,
            now,
            summary,
        )
        for place, number in enumerate(sites, 1)
    ]
    with register.transaction() as unit:
        append_feed(unit, events)
    return position + len(events)


def _report(register: Register, now: int, position: int) -> None:
    status = CollectorStatus("c1", now, True, now, position, position, position)
    with register.transaction() as unit:
        upsert_collector_status(unit, status)
