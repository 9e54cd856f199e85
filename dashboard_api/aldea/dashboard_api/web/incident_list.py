"""What the list of incidents shows: what is open first, then what is over, real and simulated ones apart."""

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
from aldea.dashboard_api.health import delivery
from aldea.dashboard_api.incident_view import CHUNK, Wanted, choose, may_see, named_sites, sites_of
from aldea.dashboard_api.web.cause_words import CAUSE_WORDS, cause_text
from aldea.dashboard_api.web.incident_words import (
    OPEN,
    RESOLVED,
    STATE_CHOICE_WORDS,
    STATE_CHOICES,
    reason_text,
    rule_text,
)
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import newest_feed_id
from aldea.storage.register.incident_feed import last_resolved_ms
from aldea.storage.register.incidents import Incident, IncidentState, open_incidents
from aldea.storage.register.people import list_people
from aldea.storage.register.sites import Site

PAGE = 50
SITES_NAMED = 3


@dataclass(frozen=True, slots=True)
class IncidentWish:
    """What was asked for: `open`, `resolved` or `all`; a cause, a site's id, and behind which incident."""

    state: str
    cause: str = ""
    site: str = ""
    simulated: bool = False
    after: str | None = None

    def address(self, **changed: str) -> str:
        """Return the address of this list with something changed."""
        kind = "simulated" if self.simulated else ""
        parts = {"state": self.state, "cause": self.cause, "site": self.site, "kind": kind, **changed}
        kept = {name: value for name, value in parts.items() if value and (name, value) != ("state", "all")}
        return "/incidents?" + urlencode(kept) if kept else "/incidents"

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list down."""
        return bool(self.cause or self.site)


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident's lines."""

    id: str
    open: bool
    simulated: bool
    title: str
    where: Sequence[tuple[str, str]]
    more_sites: int
    cause: str
    reason: str
    opened_ms: int
    ago: str
    exact: str
    lasted: str
    owner: str
    seen_by: str
    revised: bool


def incident_list(context: Context, request: Request, visitor: Visitor, wish: IncidentWish) -> dict[str, Any]:
    """Return the values of the list's template. Raises UnknownEntryError for a cursor that is no incident."""
    now = context.clock.wall_ms()
    shown = context.pages.shown(request, now)
    with context.register.reading() as unit:
        visible = visible_sites(unit, visitor, now)
        opened = [one for one in open_incidents(unit) if may_see(one, visible)]
        fitting = Wanted(wish.simulated, cause=wish.cause or None, site=wish.site or None)
        current = [one for one in reversed(opened) if one.simulated is wish.simulated and fitting.fits(one, visible)]
        over, cursor = _over(unit, wish, fitting, visible)
        shown_open = current if wish.state != RESOLVED and wish.after is None else []
        named = {site for one in (*shown_open[:CHUNK], *over) for site in _first(one, visible)}
        sites = named_sites(unit, named)
        people = {person.id: person.label for person in list_people(unit)}
        since = last_resolved_ms(unit, simulated=wish.simulated, sites=visible)
        feed_id = newest_feed_id(unit)
        state = delivery(collector_statuses(unit), now, context.settings)
    writer = RowWriter(shown, context.pages.zone, sites, people)
    return {
        "shown": shown,
        "wish": wish,
        "open_rows": [writer.row(one) for one in shown_open[:CHUNK]],
        "more_open": max(0, len(shown_open) - CHUNK),
        "over_rows": [writer.row(one) for one in over],
        "behind": None if cursor is None else wish.address(state=RESOLVED, after=cursor),
        "open_real": sum(not one.simulated for one in opened),
        "open_simulated": sum(one.simulated for one in opened),
        "nothing_open": not current and wish.state != RESOLVED and wish.after is None,
        "since_ms": since,
        "since_ago": shown.ago(since),
        "since": shown.exact(since, context.pages.zone),
        "state_choices": [(name, shown.say(word)) for name, word in STATE_CHOICE_WORDS.items()],
        "causes": [(name, shown.say(word)) for name, word in CAUSE_WORDS.items()],
        "feed_id": feed_id,
        "delivery": state,
        "stale_since": shown.moment(state.since_ms, context.pages.zone),
    }


def _first(one: Incident, visible: frozenset[str] | None) -> list[str]:
    return [site for site in sites_of(one) if visible is None or site in visible][:SITES_NAMED]


def _over(
    unit: Any, wish: IncidentWish, fitting: Wanted, visible: frozenset[str] | None
) -> tuple[list[Incident], str | None]:
    if wish.state == OPEN:
        return [], None
    resolved = Wanted(wish.simulated, STATE_CHOICES[RESOLVED], fitting.cause, fitting.site)
    return choose(unit, resolved, visible, PAGE, wish.after)


class RowWriter:
    """Writes incidents' lines: sites and people by the names they have."""

    def __init__(self, shown: Shown, zone: ZoneInfo, sites: Mapping[str, Site], people: Mapping[str, str]) -> None:
        self._shown = shown
        self._zone = zone
        self._sites = sites
        self._people = people

    def row(self, one: Incident) -> IncidentRow:
        """Return an incident's lines."""
        shown, concerned = self._shown, sites_of(one)
        known = [(site, self._sites[site].name) for site in concerned if site in self._sites][:SITES_NAMED]
        zone = ZoneInfo(self._sites[known[0][0]].timezone) if len(concerned) == 1 and known else self._zone
        return IncidentRow(
            id=one.id,
            open=one.state is IncidentState.FIRING,
            simulated=one.simulated,
            title=rule_text(one, shown),
            where=known,
            more_sites=len(concerned) - len(known),
            cause=cause_text(one.cause, shown),
            reason=reason_text(one, shown),
            opened_ms=one.opened_ms,
            ago=shown.ago(one.opened_ms),
            exact=shown.exact(one.opened_ms, zone),
            lasted="" if one.resolved_ms is None else shown.length(one.resolved_ms - one.opened_ms),
            owner=self.person(one.owner),
            seen_by=self.person(one.acknowledged_by),
            revised=one.revision > 0,
        )

    def person(self, person_id: str | None) -> str:
        """Return a person's name, '' for nobody; of the demo administrator what it is called."""
        if person_id is None:
            return ""
        if person_id == "demo" and person_id not in self._people:
            return self._shown.say("Demo administrator")
        return self._people.get(person_id, person_id)
