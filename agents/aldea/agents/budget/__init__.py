"""The byte budget: what the agent may spend of a metered link in a month, tests and telemetry together.

`plan` decides (pure), `ledger` remembers, `store` keeps that on disk, `meter` counts, `budget` joins them, and
`keeping` books while the agent runs.
"""

from aldea.agents.budget.budget import Budget, KnownTime
from aldea.agents.budget.keeping import BudgetKeeper
from aldea.agents.budget.meter import Meter, wan_bytes_of
from aldea.agents.budget.plan import Plan
from aldea.agents.budget.slots import SiteCalendar
from aldea.agents.budget.store import LedgerFile
from aldea.agents.budget.terms import Allowed, Rung, Terms

__all__ = [
    "Allowed",
    "Budget",
    "BudgetKeeper",
    "KnownTime",
    "LedgerFile",
    "Meter",
    "Plan",
    "Rung",
    "SiteCalendar",
    "Terms",
    "wan_bytes_of",
]
