"""What the page of maintenance shows, and its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import visible_programmes, visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.incident_view import named_sites
from aldea.dashboard_api.maintenance_view import DAY_MS, Announced, may_maintain, windows
from aldea.dashboard_api.web.incident_list import RowWriter
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.grants import site_scopes
from aldea.storage.register.maintenance import ANNOUNCED_BEFORE_MS, Maintenance
from aldea.storage.register.people import list_people
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.pulses import site_pulses
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site

PAST_DAYS = 30
AHEAD_DAYS = 400
SITES_OFFERED = 500
FIELDS = ("site", "programme", "region", "start", "end", "reason")

NO_TIME = N_("This is not a date and a time: choose both, such as 2026-12-01 08:00.")


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One window's line."""

    id: str
    where: str
    address: str
    start: str
    end: str
    reason: str
    author: str
    now: bool
    over: bool
    counts: bool
    simulated: bool
    may_end: bool


def maintenance_page(
    context: Context,
    request: Request,
    visitor: Visitor,
    errors: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the values of the template; `errors` and `typed` are those of a form that was not taken."""
    now = context.clock.wall_ms()
    shown = context.pages.shown(request, now)
    with context.register.reading() as unit:
        found = windows(unit, visitor, now - PAST_DAYS * DAY_MS, now + AHEAD_DAYS * DAY_MS, now)
        sites = named_sites(unit, (one.site for one in found if one.site))
        people = {person.id: person.label for person in list_people(unit)}
        writer = RowWriter(shown, context.pages.zone, sites, people)
        maker = _Rows(unit, visitor, writer, sites, context.pages.zone, shown, now)
        rows = [maker.row(one) for one in found]
        places = _places(unit, visitor, now)
    return {
        "shown": shown,
        "coming": [row for row in rows if not row.over],
        "past": [row for row in reversed(rows) if row.over],
        "errors": {name: shown.say(text) for name, text in (errors or {}).items()},
        "typed": dict.fromkeys(FIELDS, "") | dict(typed or {}),
        "zone": context.pages.zone.key,
        "hours": ANNOUNCED_BEFORE_MS // 3_600_000,
        **places,
    }


def typed_announcement(
    unit: Unit, context: Context, typed: Mapping[str, str]
) -> tuple[Announced | None, dict[str, str]]:
    """Return what was typed as an announcement, or what can't be read of it, by field.

    Times are local to the site, or to the server's zone where many sites are meant.
    """
    site = find_site(unit, typed["site"]) if typed["site"] else None
    zone = context.pages.zone if site is None else ZoneInfo(site.timezone)
    times: dict[str, int] = {}
    errors: dict[str, str] = {}
    for name in ("start", "end"):
        try:
            times[name] = round(datetime.fromisoformat(typed[name]).replace(tzinfo=zone).timestamp() * 1000)
        except (ValueError, OverflowError):
            errors[name] = NO_TIME
    if errors:
        return None, errors
    place = (typed["site"], typed["programme"], typed["region"])
    return Announced(*place, times["start"], times["end"], typed["reason"]), {}


def _places(unit: Unit, visitor: Visitor, now: int) -> dict[str, Any]:
    visible = visible_sites(unit, visitor, now, Permission.MAINTAIN)
    offered = visible_programmes(unit, visitor, now, Permission.MAINTAIN)
    pulses = site_pulses(unit, sites=None if visible is None else sorted(visible))
    regions = sorted({region for _, region in site_scopes(unit, now, visible).values() if region})
    return {
        "may_announce": visitor.may(Permission.MAINTAIN),
        "sites": [(one.site, one.name) for one in pulses[:SITES_OFFERED]],
        "programmes": [(one.id, one.name) for one in list_programmes(unit) if offered is None or one.id in offered],
        "regions": [(name, name) for name in regions],
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """Writes windows' lines."""

    unit: Unit
    visitor: Visitor
    writer: RowWriter
    sites: Mapping[str, Site]
    zone: ZoneInfo
    shown: Shown
    now: int

    def row(self, one: Maintenance) -> WindowRow:
        """Return a window's line, its times local to the site where it has one."""
        site = self.sites.get(one.site or "")
        zone = self.zone if site is None else ZoneInfo(site.timezone)
        mine = may_maintain(self.unit, self.visitor, one.site or "", one.programme or "", one.region or "", self.now)
        return WindowRow(
            id=one.id,
            where=self._where(one, site),
            address="" if site is None else f"/sites/{site.id}",
            start=self.shown.minute(one.from_ms, zone),
            end=self.shown.minute(one.to_ms, zone),
            reason=one.reason,
            author=self.writer.person(one.author),
            now=one.from_ms <= self.now < one.to_ms,
            over=one.to_ms <= self.now,
            counts=one.counts_as_planned,
            simulated=one.simulated,
            may_end=mine and one.to_ms > self.now,
        )

    def _where(self, one: Maintenance, site: Site | None) -> str:
        say = self.shown.say
        if one.site:
            return one.site if site is None else site.name
        if one.programme:
            return say(N_("Programme %(name)s")) % {"name": one.programme}
        return say(N_("State of %(name)s")) % {"name": one.region} if one.region else say(N_("All sites"))
