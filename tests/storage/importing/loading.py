"""A table of sites, planned or loaded."""

from __future__ import annotations

from aldea.storage.importing.applying import apply_plan
from aldea.storage.importing.plan import Plan, Wish, make_plan
from aldea.storage.importing.tables import read_table
from aldea.storage.register import Register

NOW = 1_795_366_800_000
DAY = 86_400_000
HEAD = "id;name;state;municipality"


def plan_of(register: Register, text: str, wish: Wish | None = None, now: int = NOW) -> Plan:
    """Return what would become of a table."""
    with register.reading() as unit:
        return make_plan(unit, read_table(text.encode()), wish or Wish(), now)


def load(register: Register, text: str, wish: Wish | None = None, now: int = NOW) -> Plan:
    """Load a table; return what became of it."""
    with register.transaction() as unit:
        plan = make_plan(unit, read_table(text.encode()), wish or Wish(), now)
        apply_plan(unit, plan.good, now)
    return plan


def sentences(plan: Plan) -> list[str]:
    """Return all that is said of refused lines."""
    return [fault.sentence() for refused in plan.refused for fault in refused.faults]
