"""`budget`: what the agent has spent of the month's bytes, and what it will have at its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aldea.agents.budget import Budget, LedgerFile, Plan, Rung, SiteCalendar, Terms
from aldea.agents.machine import clock_state
from aldea.agents.throughput_settings import window_minutes
from aldea.model.clock import ClockState
from aldea.model.failures import Failure
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.agents.probe import ProbeContext
    from aldea.agents.settings import AgentSettings


class BudgetProbe:
    """Books the telemetry since the last round, and returns how the month stands."""

    name = "budget"

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    async def measure(self) -> Sequence[Reading]:
        """Return one reading; a failure where the disk does not take it: what was spent is booked once it does."""
        try:
            return [await asyncio.to_thread(self._budget.reading)]
        except OSError as error:
            failure = Failure.PERMISSION_DENIED if isinstance(error, PermissionError) else Failure.NOT_AVAILABLE
            return [Reading(self.name, {"failure": failure.value})]

    async def aclose(self) -> None:
        """Nothing is held."""


def budget_of(settings: AgentSettings, context: ProbeContext) -> Budget:
    """Return the site's budget as the settings have it."""
    tests, terms = settings.throughput, settings.budget
    caps = {Rung.FULL: tests.full_bytes, Rung.SHORT: tests.short_bytes, Rung.SMALL: tests.small_bytes}
    zone = terms.timezone or settings.clients.timezone
    calendar = SiteCalendar(
        None if zone is None else ZoneInfo(zone), tuple(window_minutes(window) for window in terms.peak_hours)
    )
    plan = Plan(Terms(terms.monthly_bytes, terms.hand_ratio, caps=caps), calendar)
    return Budget(plan, LedgerFile(context.data), lambda: sure_ms(context), context.meter)


def sure_ms(context: ProbeContext) -> int | None:
    """Return the time where something vouches for it: the boot's anchor, or NTP. None otherwise.

    A hardware clock alone does not: a month that it begins by mistake would be a second budget.
    """
    anchored = None if context.anchored_ms is None else context.anchored_ms()
    if anchored is not None:
        return anchored
    disciplined = clock_state(context.clock, context.root) is ClockState.NTP
    return context.clock.wall_ms() if disciplined else None
