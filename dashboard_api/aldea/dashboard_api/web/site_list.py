"""What the list of sites shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.directory import Listed, by_urgency, counts, listed, visible_pulses
from aldea.dashboard_api.health import delivery
from aldea.dashboard_api.web.shown import Shown
from aldea.model.liveness import SiteState
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import newest_feed_id
from aldea.storage.register.listing import SiteOverview, overviews_of
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import count_sites


@dataclass(frozen=True, slots=True)
class ListWish:
    """What was asked for: text, state, `real`, `simulated` or neither, and which page."""

    q: str
    state: SiteState | None
    kind: str
    page: int

    def address(self, **changed: object) -> str:
        """Return the address of this list with something changed."""
        parts: dict[str, object] = {"q": self.q, "state": self.state or "", "kind": self.kind, **changed}
        kept = {name: str(value) for name, value in parts.items() if value}
        return "/?" + urlencode(kept) if kept else "/"


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site's line."""

    id: str
    name: str
    state: SiteState
    place: str
    link: str
    seen_ms: int | None
    ago: str
    exact: str
    ratio: float | None
    complete: str


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the bar that shows how many are in which state; in percent."""

    state: SiteState
    at: str
    width: str


@dataclass(frozen=True, slots=True)
class Group:
    """Real or simulated sites, which are never counted together."""

    simulated: bool
    counts: Mapping[SiteState, int]
    total: int
    shares: Sequence[Share]
    links: Mapping[SiteState, str]
    rows: Sequence[SiteRow]


def site_list(context: Context, request: Request, visitor: Visitor, wish: ListWish) -> dict[str, Any]:
    """Return the values of the list's template."""
    now, limit = context.clock.wall_ms(), context.settings.sites_per_page
    simulated = {"real": False, "simulated": True}.get(wish.kind)
    with context.register.reading() as unit:
        feed_id = newest_feed_id(unit)
        visible = visible_sites(unit, visitor, now)
        registered = _registered(unit) if visible is None else len(visible)
        found = by_urgency(listed(visible_pulses(unit, visible, simulated=simulated, search=wish.q), now))
        groups = [[site for site in found if site.pulse.simulated is kind] for kind in (False, True)]
        wanted = [site for group in groups for site in group if wish.state in {None, site.state}]
        page = wanted[(wish.page - 1) * limit : wish.page * limit]
        overviews = overviews_of(unit, [site.pulse.site for site in page], now)
        state = delivery(collector_statuses(unit), now, context.settings)
    shown = context.pages.shown(request, now)
    return {
        "shown": shown,
        "wish": wish,
        "groups": [_group(group, page, overviews, wish, shown) for group in groups if group],
        "registered": registered,
        "matching": len(wanted),
        "first": (wish.page - 1) * limit + 1,
        "last": (wish.page - 1) * limit + len(page),
        "before": wish.address(page=wish.page - 1) if wish.page > 1 else None,
        "behind": wish.address(page=wish.page + 1) if len(wanted) > wish.page * limit else None,
        "delivery": state,
        "stale_since": shown.moment(state.since_ms, context.pages.zone),
        "feed_id": feed_id,
    }


def _registered(unit: Unit) -> int:
    return count_sites(unit, simulated=False) + count_sites(unit, simulated=True)


def _group(
    sites: Sequence[Listed],
    page: Sequence[Listed],
    overviews: Mapping[str, SiteOverview],
    wish: ListWish,
    shown: Shown,
) -> Group:
    simulated = sites[0].pulse.simulated
    found = counts(sites)
    rows = [
        _row(site, overviews[site.pulse.site], shown)
        for site in page
        if site.pulse.simulated is simulated and site.pulse.site in overviews
    ]
    kind = "simulated" if simulated else "real"
    links = {state: wish.address(state=state.value, kind=kind) for state in found}
    return Group(simulated, found, len(sites), _shares(found, len(sites)), links, rows)


def _shares(found: Mapping[SiteState, int], total: int) -> list[Share]:
    shares: list[Share] = []
    reached = 0
    for state, count in found.items():
        if count:
            shares.append(Share(state, f"{reached / total:.2%}", f"{count / total:.2%}"))
        reached += count
    return shares


def _row(site: Listed, overview: SiteOverview, shown: Shown) -> SiteRow:
    facts, pulse = overview.facts, site.pulse
    place = (facts.get("municipality"), facts.get("state_name"))
    link = (facts.get("provider"), facts.get("technology"))
    return SiteRow(
        id=pulse.site,
        name=pulse.name,
        state=site.state,
        place=", ".join(str(part) for part in place if part),
        link=" · ".join(str(part) for part in link if part),
        seen_ms=pulse.last_arrival_ms,
        ago=shown.ago(pulse.last_arrival_ms),
        exact=shown.exact(pulse.last_arrival_ms, ZoneInfo(overview.site.timezone)),
        ratio=overview.completeness.ratio,
        complete=shown.percent(overview.completeness.ratio),
    )
