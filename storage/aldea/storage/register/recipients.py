"""Who is to hear of a site, or of the platform: the responsible people, then those whose rights cover it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Row, select

from aldea.storage.register.contacts import ContactPoint, contacts_of
from aldea.storage.register.dated import holds_at
from aldea.storage.register.facts import facts_at
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import find_site
from aldea.storage.register.tables import person, role_grant


class Tier(IntEnum):
    """How near to a fault somebody is: who is told first, and who next."""

    RESPONSIBLE = 1
    TECHNICIAN = 2
    OPERATOR = 3
    ADMIN = 4


ROLE_TIERS = {"technician": Tier.TECHNICIAN, "operator": Tier.OPERATOR, "admin": Tier.ADMIN}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may be told, with the contact points that are switched on (there may be none)."""

    person: str
    label: str
    tier: Tier
    contacts: tuple[ContactPoint, ...]


def recipients_for(unit: Unit, site: str | None, at_ms: int) -> tuple[Recipient, ...]:
    """Return who may be told of a site at `at_ms`: responsible people, technicians, operators, in that order.

    Nobody for a simulated or unknown site. `site` None is the platform itself: operators and administrators.
    Each person once, at the nearest tier; disabled accounts are left out.
    """
    tiers = _platform(unit, at_ms) if site is None else _of_site(unit, site, at_ms)
    return _known(unit, tiers)


def recipients_for_sites(unit: Unit, sites: Iterable[str], at_ms: int) -> tuple[Recipient, ...]:
    """Return who may be told of a fault that several sites share: each person once, at the nearest tier."""
    nearest: dict[str, Recipient] = {}
    for site in sites:
        for found in recipients_for(unit, site, at_ms):
            known = nearest.get(found.person)
            if known is None or found.tier < known.tier:
                nearest[found.person] = found
    return tuple(sorted(nearest.values(), key=lambda found: (found.tier, found.person)))


def first_line(recipients: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Return those of the nearest tier in which anybody can be reached at all."""
    reachable = [found for found in recipients if found.contacts]
    nearest = min((found.tier for found in reachable), default=None)
    return tuple(found for found in reachable if found.tier == nearest)


def _of_site(unit: Unit, site: str, at_ms: int) -> Iterator[tuple[str, Tier]]:
    found = find_site(unit, site)
    if found is None or found.simulated:
        return
    facts = facts_at(unit, site, at_ms)
    for fact in facts:
        if fact.fact == "responsible":
            yield str(fact.value), Tier.RESPONSIBLE
    programmes = {str(fact.value) for fact in facts if fact.fact == "programme"} | {""}
    regions = {str(fact.value) for fact in facts if fact.fact == "state_name"} | {""}
    for grant in _grants(unit, at_ms, ("technician", "operator")):
        if grant.programme in programmes and grant.region in regions:
            yield grant.person, ROLE_TIERS[grant.role]


def _platform(unit: Unit, at_ms: int) -> Iterator[tuple[str, Tier]]:
    for grant in _grants(unit, at_ms, ("operator", "admin")):
        yield grant.person, ROLE_TIERS[grant.role]


def _grants(unit: Unit, at_ms: int, roles: tuple[str, ...]) -> list[Row[Any]]:
    held = select(role_grant).where(role_grant.c.role.in_(roles), holds_at(role_grant, at_ms))
    return list(unit.connection.execute(held.order_by(role_grant.c.id)))


def _known(unit: Unit, tiers: Iterable[tuple[str, Tier]]) -> tuple[Recipient, ...]:
    nearest: dict[str, Tier] = {}
    for who, tier in tiers:
        nearest[who] = min(tier, nearest.get(who, tier))
    if not nearest:
        return ()
    rows = unit.connection.execute(select(person).where(person.c.id.in_(nearest))).all()
    labels = {row.id: str(row.label) for row in rows if not row._mapping.get("disabled", False)}
    contacts = contacts_of(unit, labels)
    found = (
        Recipient(who, labels[who], tier, tuple(point for point in contacts.get(who, ()) if point.enabled))
        for who, tier in nearest.items()
        if who in labels
    )
    return tuple(sorted(found, key=lambda one: (one.tier, one.person)))
