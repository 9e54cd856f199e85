"""What the alert engine's rules have gathered of each site, and what the engine keeps of itself.

Written in the transaction that moves the feed's cursors on and stores incidents, so that a crash repeats nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks, insert
from aldea.storage.register.tables import alert_state

Key = tuple[str, str]
"""Rule and site."""

ENGINE_SITE = ""


def read_alert_states(unit: Unit) -> dict[Key, Any]:
    """Return every rule's state of every site."""
    rows = unit.connection.execute(select(alert_state).where(alert_state.c.site != ENGINE_SITE))
    return {(row.rule, row.site): row.state for row in rows}


def put_alert_states(unit: Unit, states: Mapping[Key, Any]) -> None:
    """Keep these states, replacing what was there."""
    if not states:
        return
    statement = insert(unit, alert_state)
    statement = statement.on_conflict_do_update(
        index_elements=["rule", "site"], set_={"state": statement.excluded.state}
    )
    rows = [{"rule": rule, "site": site, "state": states[rule, site]} for rule, site in sorted(states)]
    unit.connection.execute(statement, rows)


def drop_alert_states(unit: Unit, sites: Collection[str]) -> None:
    """Forget what was gathered of these sites."""
    for chunk in chunks(sorted(set(sites) - {ENGINE_SITE})):
        unit.connection.execute(delete(alert_state).where(alert_state.c.site.in_(chunk)))


def read_engine_state(unit: Unit, engine: str) -> Any:
    """Return what the engine keeps of itself, None before it ran for the first time."""
    mine = (alert_state.c.rule == engine, alert_state.c.site == ENGINE_SITE)
    return unit.connection.execute(select(alert_state.c.state).where(*mine)).scalar_one_or_none()


def put_engine_state(unit: Unit, engine: str, state: Mapping[str, Any]) -> None:
    """Keep what the engine keeps of itself."""
    put_alert_states(unit, {(engine, ENGINE_SITE): dict(state)})
