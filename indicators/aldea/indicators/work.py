"""Keeping the stored values true: computing the running months again, closing them, revising late ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from aldea.indicators.compute import CLOSE_DAYS, DAY_MS, compute
from aldea.indicators.evidence import Inputs
from aldea.indicators.inputs import RegisterInputs
from aldea.indicators.periods import Month, Period, PeriodError, month_at, period_of
from aldea.indicators.stored import row_of
from aldea.model.clock import Clock
from aldea.storage.register import Register, Unit
from aldea.storage.register.indicator_sources import evidence_marks, feed_positions, months_touched
from aldea.storage.register.indicator_values import known_periods
from aldea.storage.register.indicator_writing import Stored, put_values
from aldea.storage.register.known import known_sites
from aldea.storage.register.settings import get_setting, set_setting

EVERY_MINUTES = 10
"""So often `step` is meant to be called."""

STALE_MS = 3_600_000
"""Even where no evidence came, the running month is computed again after this: time that passes is expected."""

OVERLAP_MS = 600_000
"""What was committed shortly before the last look may not have been visible to it."""

LAST = "indicators_last"
LATEST_ZONE, EARLIEST_ZONE = "Etc/GMT+12", "Etc/GMT-14"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did with one period of one world."""

    period: str
    simulated: bool
    closed: bool
    stored: Stored


class IndicatorWork:
    """Call `step` every few minutes, from one place at a time. Real and simulated sites are computed apart."""

    def __init__(self, register: Register, clock: Clock, close_days: int = CLOSE_DAYS) -> None:
        self._register = register
        self._clock = clock
        self._close_days = close_days

    def step(self) -> list[Outcome]:
        """Compute what changed since the last call: the running month, those not closed, those with late data."""
        done: list[Outcome] = []
        for simulated in (False, True):
            done += self._world(simulated=simulated)
        return done

    def publish(self, period: Period, *, simulated: bool) -> Outcome:
        """Compute one period now and store it, in one transaction; closed if it is over by `close_days`."""
        now = self._clock.wall_ms()
        with self._register.reading() as unit:
            inputs = RegisterInputs(unit)
            sites = [site.id for site in inputs.sites(simulated=simulated)]
            values = compute(inputs, period, simulated=simulated, at_ms=now, close_days=self._close_days)
            positions = dict(feed_positions(unit))
        closing = now >= period.months[-1].span_ms(LATEST_ZONE)[1] + self._close_days * DAY_MS
        with self._register.transaction() as unit:
            if simulated and not known_sites(unit, sites):
                # They have left while this was worked out: nothing of theirs may come back.
                return Outcome(period.code, simulated, closing, Stored())
            stored = put_values(
                unit,
                period.code,
                [row_of(value) for value in values],
                simulated=simulated,
                closing=closing,
                at_ms=now,
                positions=positions,
            )
        return Outcome(period.code, simulated, closing, stored)

    def _world(self, *, simulated: bool) -> list[Outcome]:
        now, key = self._clock.wall_ms(), f"{LAST}_{'simulated' if simulated else 'real'}"
        with self._register.reading() as unit:
            last = get_setting(unit, key) or {"at_ms": 0, "digest": ""}
            inputs = RegisterInputs(unit)
            sites = inputs.sites(simulated=simulated)
            digest = _digest(unit, inputs, simulated=simulated)
            if not sites or (digest == last["digest"] and 0 <= now - last["at_ms"] < STALE_MS):
                return []
            since = min(last["at_ms"], now) - OVERLAP_MS
            due = self._due(unit, now, since, _first_month(inputs, simulated=simulated), simulated=simulated)
        done = [self.publish(period, simulated=simulated) for period in due]
        with self._register.transaction() as unit:
            set_setting(unit, key, {"at_ms": now, "digest": digest})
        return done

    def _due(self, unit: Unit, now_ms: int, since_ms: int, first: Month, *, simulated: bool) -> list[Period]:
        running = month_at(now_ms, EARLIEST_ZONE)
        codes = {running.code, running.shifted(-1).code}
        # A quarter or a year is stored when somebody asks for it, and kept true from then on until it is closed.
        codes |= set(known_periods(unit, simulated=simulated, still_open=True))
        codes |= months_touched(unit, since_ms, simulated=simulated)
        # A device whose clock was wrong may tell of years in which no site was there.
        return [one for one in _periods(codes) if first <= one.months[-1] and one.months[0] <= running]


def _periods(codes: Iterable[str]) -> list[Period]:
    found: list[Period] = []
    for code in sorted(codes):
        with suppress(PeriodError):
            found.append(period_of(code))
    return found


def _first_month(inputs: Inputs, *, simulated: bool) -> Month:
    starts = [state.from_ms for site in inputs.sites(simulated=simulated) for state in site.states]
    return month_at(min(starts), LATEST_ZONE) if starts else Month(2200, 1)


def _digest(unit: Unit, inputs: Inputs, *, simulated: bool) -> str:
    """Return what changes when any evidence or fact does."""
    told = (evidence_marks(unit, simulated=simulated), inputs.sites(simulated=simulated), inputs.programmes())
    return hashlib.sha256(repr(told).encode()).hexdigest()
