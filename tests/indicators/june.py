"""The month that most rules are tried on, and the indicators they are tried by."""

from __future__ import annotations

from datetime import date

from aldea.indicators.compute import compute
from aldea.indicators.values import Value
from indicators.world import AFTER_JUNE, JUNE, Memory, Programme, make_site

AVAILABILITY, OPERATIONAL = "acc_availability_total_pct", "acc_sites_operational_pct"
ACTIVE_DAYS = "use_active_days_pct"
REACH, COMPLETION = "apr_training_reach_per_1000", "apr_course_completion_pct"
PROJECT, TRAVEL, IMPROVED = "use_productive_project_pct", "wel_travel_avoided_hours", "wel_business_improved_pct"
JUNE_1 = date(2025, 6, 1)


def june(memory: Memory, *, at_ms: int = AFTER_JUNE, simulated: bool = False) -> list[Value]:
    """Return the figures of that month, computed when it is over."""
    return compute(memory, JUNE, simulated=simulated, at_ms=at_ms)


def owing(*names: str, **duties: str) -> Memory:
    """Return sites whose programme owes these reports."""
    sites = [make_site(name, programmes=["pro"], population_15plus=500, code=f"31079000{name}") for name in names]
    return Memory(sites, owing=[Programme("pro", duties)])
