"""What the list of sites shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request

from aldea.dashboard_api.access.scope import visible_programmes, visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.directory import Listed, cut, listed, shelved, visible_pulses
from aldea.dashboard_api.health import delivery
from aldea.dashboard_api.incident_view import sites_listed
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.strip import STATES, TRUTH_WORDS, Strip, stretches, strip
from aldea.model.liveness import SiteState
from aldea.model.truth import Interval
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import newest_feed_id
from aldea.storage.register.grants import site_scopes
from aldea.storage.register.incident_feed import open_marks
from aldea.storage.register.listing import SiteOverview, overviews_of
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import count_sites
from aldea.storage.register.truth import read_intervals

STRIP_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class ListWish:
    """What was asked for: text, state, `real`, `simulated` or neither, and which page.

    `programme`: only its sites; `incident`: only sites with an open incident.
    """

    q: str
    state: SiteState | None
    kind: str
    page: int
    programme: str = ""
    incident: bool = False

    def address(self, **changed: object) -> str:
        """Return the address of this list with something changed."""
        parts: dict[str, object] = {
            "q": self.q,
            "state": self.state or "",
            "kind": self.kind,
            "programme": self.programme,
            "incident": "open" if self.incident else "",
            **changed,
        }
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
    strip: Strip
    incidents: Sequence[str]


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
        found = listed(visible_pulses(unit, visible, simulated=simulated, search=wish.q), now)
        opened = _opened(unit)
        narrow = _narrowed(unit, wish, opened, now)
        if narrow is not None:
            found = [site for site in found if site.pulse.site in narrow]
        shelves = shelved(found)
        counted = {kind: {key: len(shelf) for key, shelf in states.items()} for kind, states in shelves.items()}
        matching = sum(
            count for states in counted.values() for key, count in states.items() if wish.state in {None, key}
        )
        page = cut(shelves, wish.state, (wish.page - 1) * limit, wish.page * limit)
        ids = [site.pulse.site for site in page]
        overviews = overviews_of(unit, ids, now)
        judged = _by_site(read_intervals(unit, ids, now - STRIP_MS, now))
        offered = visible_programmes(unit, visitor, now)
        programmes = [(one.id, one.name) for one in list_programmes(unit) if offered is None or one.id in offered]
        state = delivery(collector_statuses(unit), now, context.settings)
    shown = context.pages.shown(request, now)
    rows = RowMaker(shown, now, overviews, judged, opened)
    return {
        "shown": shown,
        "wish": wish,
        "groups": [_group(kind, states, page, rows, wish) for kind, states in counted.items() if any(states.values())],
        "registered": registered,
        "programmes": programmes,
        "strip_words": [(state, shown.say(TRUTH_WORDS[state])) for state in STATES],
        "matching": matching,
        "first": (wish.page - 1) * limit + 1,
        "last": (wish.page - 1) * limit + len(page),
        "before": wish.address(page=wish.page - 1) if wish.page > 1 else None,
        "behind": wish.address(page=wish.page + 1) if matching > wish.page * limit else None,
        "delivery": state,
        "stale_since": shown.moment(state.since_ms, context.pages.zone),
        "feed_id": feed_id,
    }


def _registered(unit: Unit) -> int:
    return count_sites(unit, simulated=False) + count_sites(unit, simulated=True)


def _group(
    simulated: bool,  # noqa: FBT001  # which group, not a switch
    found: Mapping[SiteState, int],
    page: Sequence[Listed],
    writer: RowMaker,
    wish: ListWish,
) -> Group:
    rows = [
        writer.row(site) for site in page if site.pulse.simulated is simulated and site.pulse.site in writer.overviews
    ]
    kind = "simulated" if simulated else "real"
    links = {state: wish.address(state=state.value, kind=kind) for state in found}
    total = sum(found.values())
    return Group(simulated, found, total, _shares(found, total), links, rows)


def _shares(found: Mapping[SiteState, int], total: int) -> list[Share]:
    shares: list[Share] = []
    reached = 0
    for state, count in found.items():
        if count:
            shares.append(Share(state, f"{reached / total:.2%}", f"{count / total:.2%}"))
        reached += count
    return shares


def _opened(unit: Unit) -> Mapping[str, Sequence[str]]:
    """Return the ids of the open incidents by the sites that they concern."""
    found: dict[str, list[str]] = {}
    for one in open_marks(unit):
        for site in sites_listed(one.summary) if one.site is None else (one.site,):
            found.setdefault(site, []).append(one.id)
    return found


def _narrowed(unit: Unit, wish: ListWish, opened: Mapping[str, Sequence[str]], now: int) -> frozenset[str] | None:
    """Return the sites that programme and incidents leave, None where neither was asked for."""
    if not wish.programme:
        return frozenset(opened) if wish.incident else None
    members = site_scopes(unit, now).items()
    found = frozenset(site for site, (programmes, _) in members if wish.programme in programmes)
    return found & frozenset(opened) if wish.incident else found


def _by_site(intervals: Sequence[Interval]) -> Mapping[str, Sequence[Interval]]:
    found: dict[str, list[Interval]] = {}
    for one in intervals:
        found.setdefault(one.site, []).append(one)
    return found


class RowMaker:
    """Makes sites' lines of what was read for all of them at once."""

    def __init__(
        self,
        shown: Shown,
        now: int,
        overviews: Mapping[str, SiteOverview],
        judged: Mapping[str, Sequence[Interval]],
        opened: Mapping[str, Sequence[str]],
    ) -> None:
        self.overviews = overviews
        self._shown = shown
        self._now = now
        self._judged = judged
        self._opened = opened

    def row(self, site: Listed) -> SiteRow:
        """Return a site's line."""
        pulse, shown = site.pulse, self._shown
        overview = self.overviews[pulse.site]
        facts = overview.facts
        place = (facts.get("municipality"), facts.get("state_name"))
        link = (facts.get("provider"), facts.get("technology"))
        day = stretches(
            self._judged.get(pulse.site, ()),
            overview.settled_until_ms,
            site.state,
            pulse.last_arrival_ms,
            (self._now - STRIP_MS, self._now),
        )
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
            strip=strip(day, shown),
            incidents=self._opened.get(pulse.site, ()),
        )
