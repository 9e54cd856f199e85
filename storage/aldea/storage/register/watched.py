"""Every site with what an alert rule needs of it, in two queries however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import and_, select

from aldea.storage.register.dated import holds_at
from aldea.storage.register.facts import SEVERAL_AT_ONCE
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import SiteState
from aldea.storage.register.tables import device, site, site_fact, site_state

WATCHED_FACTS = (
    "municipality",
    "opening_hours",
    "organisation",
    "power_region",
    "programme",
    "provider",
    "silence_means",
    "site_kind",
    "state_name",
    "technology",
    "upstream",
)


@dataclass(frozen=True, slots=True)
class WatchedSite:
    """A site as the alert engine sees it. A fact of which several hold at once is a tuple."""

    site: str
    name: str
    simulated: bool
    timezone: str
    state: SiteState | None
    primary_device: str | None
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def watched_sites(unit: Unit, at_ms: int) -> dict[str, WatchedSite]:
    """Return all registered sites by id, with state and facts as they hold at `at_ms`."""
    joined = site.outerjoin(site_state, and_(site_state.c.site == site.c.id, holds_at(site_state, at_ms)))
    joined = joined.outerjoin(device, and_(device.c.site == site.c.id, device.c.is_primary))
    wanted = select(
        site.c.id, site.c.name, site.c.simulated, site.c.timezone, site_state.c.state, device.c.id.label("device")
    )
    found = {
        row.id: WatchedSite(
            row.id,
            row.name,
            bool(row.simulated),
            row.timezone,
            None if row.state is None else SiteState(row.state),
            row.device,
        )
        for row in unit.connection.execute(wanted.select_from(joined))
    }
    facts: dict[str, dict[str, Any]] = {}
    held = select(site_fact.c.site, site_fact.c.fact, site_fact.c.value)
    held = held.where(site_fact.c.fact.in_(WATCHED_FACTS), holds_at(site_fact, at_ms)).order_by(site_fact.c.id)
    for key, fact, value in unit.connection.execute(held):
        mine = facts.setdefault(key, {})
        mine[fact] = (*mine.get(fact, ()), value) if fact in SEVERAL_AT_ONCE else value
    return {key: replace(one, facts=facts[key]) if key in facts else one for key, one in found.items()}
