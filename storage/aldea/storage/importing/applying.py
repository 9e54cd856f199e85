"""A plan carried out: all of its good lines in the caller's one transaction, or nothing."""

from __future__ import annotations

from dataclasses import replace

from aldea.model.said import Said
from aldea.storage.importing.plan import PlannedSite, day_start
from aldea.storage.importing.rows import SEVERAL
from aldea.storage.register.devices import Device
from aldea.storage.register.errors import RegisterConflictError
from aldea.storage.register.facts import NewFact, end_fact, facts_at, set_fact
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites, find_site, set_state, update_site

DEVICE = "agent"


def apply_plan(unit: Unit, sites: tuple[PlannedSite, ...], now_ms: int) -> None:
    """Carry out the good lines of a plan that was made in this same transaction. Raises RegisterError."""
    for planned in sites:
        (_add if planned.is_new else _change)(unit, planned, now_ms)


def _add(unit: Unit, planned: PlannedSite, now_ms: int) -> None:
    row, zone = planned.row, planned.timezone
    start = planned.from_ms if row.commissioned is None else day_start(row.commissioned, zone)
    latitude, longitude = row.place or (None, None)
    site = Site(row.id, row.name, zone, now_ms, latitude=latitude, longitude=longitude)
    facts = [NewFact(name, value) for name, value in row.facts.items()]
    facts += [NewFact(name, item, item) for name in SEVERAL for item in row.several.get(name, ())]
    device = Device(site=row.id, id=DEVICE, kind="agent", enrolled_at_ms=now_ms)
    waits = start > now_ms
    state, since = (SiteState.PLANNED, now_ms) if waits else (SiteState.COMMISSIONED, start)
    add_sites(unit, [SiteEntry(site, since, state, facts=tuple(facts), devices=(device,))])
    if waits:
        set_state(unit, row.id, SiteState.COMMISSIONED, start)


def _change(unit: Unit, planned: PlannedSite, now_ms: int) -> None:
    row = planned.row
    known = find_site(unit, row.id)
    if known is None or known.simulated:
        raise RegisterConflictError(
            Said(
                f"site {row.id!r} has changed meanwhile: look at the preview again",
                f"el sitio {row.id!r} cambió mientras tanto: hay que ver de nuevo la vista previa",
            )
        )
    changed = {change.key for change in planned.changes}
    if changed & {"name", "timezone", "place"}:
        latitude, longitude = row.place or (known.latitude, known.longitude)
        update_site(
            unit, replace(known, name=row.name, timezone=planned.timezone, latitude=latitude, longitude=longitude)
        )
    for name in changed & row.facts.keys():
        set_fact(unit, row.id, name, row.facts[name], planned.from_ms)
    for name in changed & row.several.keys():
        set_several(unit, row.id, name, row.several[name], planned.from_ms)
    if "commissioned" in changed and row.commissioned is not None:
        set_state(unit, row.id, SiteState.COMMISSIONED, day_start(row.commissioned, planned.timezone))
    del now_ms


def set_several(unit: Unit, site: str, name: str, items: tuple[str, ...], from_ms: int) -> None:
    """Let a fact of which several hold have exactly these from `from_ms` on."""
    held = {fact.item for fact in facts_at(unit, site, from_ms) if fact.fact == name}
    for item in held - set(items):
        end_fact(unit, site, name, from_ms, item=item)
    for item in items:
        if item not in held:
            set_fact(unit, site, name, item, from_ms, item=item)
