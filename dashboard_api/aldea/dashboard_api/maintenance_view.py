"""Maintenance windows as a visitor may see, announce and end them; the same for the pages and for the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write, scopes_of, visible_sites
from aldea.dashboard_api.access.visitor import SiteScope, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.incident_view import author_of
from aldea.dashboard_api.problems import Problem
from aldea.storage.register.maintenance import (
    REASON_LIMIT,
    Maintenance,
    add_maintenance,
    end_maintenance,
    find_maintenance,
    maintenance_between,
)
from aldea.storage.register.programmes import find_programme
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import find_site

DAY_MS = 86_400_000
LONGEST_MS = 60 * DAY_MS
FARTHEST_MS = 400 * DAY_MS

Said = Mapping[str, str]
"""Field → what is wrong with it; the texts are keys of the catalogues."""

NOWHERE = N_("Say where: a site, a programme or a state.")
TWO_PLACES = N_("Say only one: a site, a programme or a state.")
NO_SITE = N_("There is no such site: choose one of the list.")
NO_PROGRAMME = N_("There is no such programme: choose one of the list.")
NOT_YOURS = N_("Your role does not cover this: choose a place that it covers, or ask an administrator.")
BACKWARDS = N_("The end is not after the beginning: choose a later end.")
TOO_LONG = N_("This is longer than 60 days: announce it in parts.")
TOO_FAR = N_("This is more than 400 days from now: look at the year.")
OVER = N_("This is over already: work is announced before it is done.")
NO_REASON = N_("The reason is empty: write what will be done.")
LONG_REASON = N_("The reason is longer than 500 characters: shorten it.")


@dataclass(frozen=True, slots=True)
class Announced:
    """What somebody wants to announce; empty texts are not given."""

    site: str
    programme: str
    region: str
    from_ms: int
    to_ms: int
    reason: str


def windows(unit: Unit, visitor: Visitor, from_ms: int, to_ms: int, now_ms: int) -> list[Maintenance]:
    """Return the windows that touch the time and concern what the visitor may see, by their start."""
    found = maintenance_between(unit, from_ms, to_ms)
    concerned = _concerned(unit, visitor, now_ms)
    return [one for one in found if concerned(one)]


def faults(unit: Unit, visitor: Visitor, new: Announced, now_ms: int) -> Said:
    """Return what is wrong with an announcement, by field; nothing when it can be entered."""
    return {**_place_faults(unit, visitor, new, now_ms), **_time_faults(new, now_ms), **_reason_faults(new)}


def announce(unit: Unit, visitor: Visitor, new: Announced, now_ms: int) -> Maintenance:
    """Enter a window that has no faults, announced now. Simulated are those of simulated sites and programmes."""
    programme = find_programme(unit, new.programme) if new.programme else None
    return add_maintenance(
        unit,
        Maintenance(
            site=new.site or None,
            programme=new.programme or None,
            region=new.region or None,
            from_ms=new.from_ms,
            to_ms=new.to_ms,
            announced_ms=now_ms,
            reason=new.reason,
            author=author_of(visitor),
            simulated=programme is not None and programme.simulated,
        ),
    )


def end_early(unit: Unit, visitor: Visitor, maintenance_id: str, now_ms: int) -> Maintenance:
    """Let a window end now. Raises Problem: 404 when there is none to be seen, 403 when it is not theirs."""
    found = find_maintenance(unit, maintenance_id[:64])
    if found is None or not _concerned(unit, visitor, now_ms)(found):
        named = maintenance_id[:64]
        raise Problem(404, f"There is no maintenance {named!r}: /api/v1/maintenance lists those there are.")
    if not may_maintain(unit, visitor, found.site or "", found.programme or "", found.region or "", now_ms):
        raise Problem(403, "Your role does not cover this maintenance: ask an administrator.")
    end_maintenance(unit, found.id, now_ms)
    return find_maintenance(unit, found.id) or found


def may_maintain(unit: Unit, visitor: Visitor, site: str, programme: str, region: str, now_ms: int) -> bool:
    """Whether the visitor may announce work there. For many sites a grant must cover them all."""
    if site:
        return can_write(unit, visitor, Permission.MAINTAIN, site, now_ms)
    if not programme and not region:
        return visitor.everywhere(Permission.MAINTAIN)
    return visitor.may(Permission.MAINTAIN, SiteScope(frozenset({programme} - {""}), region))


def _concerned(unit: Unit, visitor: Visitor, now_ms: int) -> Callable[[Maintenance], bool]:
    """Return what says whether a window is for a site that the visitor may see; one for all sites is everybody's."""
    if visitor.everywhere(Permission.VIEW):
        return lambda _: True
    visible = visible_sites(unit, visitor, now_ms)
    scopes = scopes_of(unit, now_ms, visible)

    def concerned(one: Maintenance) -> bool:
        if one.site is not None:
            return one.site in scopes
        places = [(scope.programmes, scope.region) for scope in scopes.values()]
        return any(one.programme in {None, *names} and one.region in {None, region} for names, region in places)

    return concerned


def _place_faults(unit: Unit, visitor: Visitor, new: Announced, now_ms: int) -> Said:
    given = [name for name in ("site", "programme", "region") if getattr(new, name)]
    if not given:
        return {"site": NOWHERE}
    if len(given) > 1:
        return {given[1]: TWO_PLACES}
    visible = visible_sites(unit, visitor, now_ms)
    if new.site and (find_site(unit, new.site) is None or (visible is not None and new.site not in visible)):
        return {"site": NO_SITE}
    if new.programme and find_programme(unit, new.programme) is None:
        return {"programme": NO_PROGRAMME}
    if not may_maintain(unit, visitor, new.site, new.programme, new.region, now_ms):
        return {given[0]: NOT_YOURS}
    return {}


def _time_faults(new: Announced, now_ms: int) -> Said:
    if new.to_ms <= new.from_ms:
        return {"end": BACKWARDS}
    if new.to_ms - new.from_ms > LONGEST_MS:
        return {"end": TOO_LONG}
    if abs(new.from_ms - now_ms) > FARTHEST_MS:
        return {"start": TOO_FAR}
    return {"end": OVER} if new.to_ms <= now_ms else {}


def _reason_faults(new: Announced) -> Said:
    if not new.reason.strip():
        return {"reason": NO_REASON}
    return {"reason": LONG_REASON} if len(new.reason) > REASON_LIMIT else {}
