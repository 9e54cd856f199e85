"""Incidents as a visitor may see them: chosen, in pages, and one of them with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write, visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.problems import Problem
from aldea.model.truth import Cause
from aldea.storage.register.incidents import (
    Incident,
    IncidentEvent,
    IncidentState,
    find_incident,
    incident_children,
    incident_events,
    list_incidents,
)
from aldea.storage.register.notifications import Notification, NotificationFilter, list_notifications
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_sites

DEMO_AUTHOR = "demo"
"""Who has done what the demo administrator did, who has no account."""

CHUNK = 200
MOST_READ = 20 * CHUNK
"""How far a list looks for incidents that fit a filter, so that a request stays bounded."""
NOTIFICATIONS_SHOWN = 100
NAMES_SITES = frozenset({"sites", "neighbours"})
"""What of a summary or of evidence lists sites by their ids."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents: None is any. Real and simulated ones never come in one list."""

    simulated: bool
    states: tuple[IncidentState, ...] = (IncidentState.FIRING, IncidentState.RESOLVED)
    cause: str | None = None
    site: str | None = None

    def fits(self, one: Incident, visible: frozenset[str] | None) -> bool:
        """Whether an incident is wanted, and may be seen."""
        if self.cause is not None and (one.cause or "unknown") != self.cause:
            return False
        if self.site is not None and self.site not in sites_of(one):
            return False
        return may_see(one, visible)


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident with its timeline, its parts, the sites it concerns and what was said about it.

    `visible`: the sites that the visitor may see, None for every one.
    """

    incident: Incident
    events: Sequence[IncidentEvent]
    parts: Sequence[Incident]
    parent: Incident | None
    sites: Mapping[str, Site]
    notifications: Sequence[Notification]
    visible: frozenset[str] | None


def sites_of(one: Incident) -> tuple[str, ...]:
    """Return the ids of the sites that an incident concerns: its own, or those of a group; none of the platform."""
    return (one.site,) if one.site is not None else sites_listed(one.summary)


def sites_listed(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the sites that a group's summary lists."""
    listed = summary.get("sites", ())
    if not isinstance(listed, list | tuple):
        return ()
    return tuple(map(_id_of, listed))


def may_see(one: Incident, visible: frozenset[str] | None) -> bool:
    """Whether somebody who sees these sites may see the incident; the platform's own are everybody's."""
    concerned = sites_of(one)
    return visible is None or not concerned or any(site in visible for site in concerned)


def told_of(summary: Mapping[str, Any], visible: frozenset[str] | None) -> dict[str, Any]:
    """Return an incident's summary, or an interval's evidence, without the ids of sites that may not be seen."""
    if visible is None:
        return dict(summary)
    kept = {
        key: [item for item in value if _id_of(item) in visible]
        if key in NAMES_SITES and isinstance(value, list | tuple)
        else value
        for key, value in summary.items()
    }
    evidence = kept.get("evidence")
    return kept | {"evidence": told_of(evidence, visible)} if isinstance(evidence, Mapping) else kept


def _id_of(item: Any) -> str:
    return str(item["id"] if isinstance(item, Mapping) else item)


def choose(
    unit: Unit, wanted: Wanted, visible: frozenset[str] | None, limit: int, after: str | None = None
) -> tuple[list[Incident], str | None]:
    """Return up to `limit` incidents, the newest first, and the cursor behind which more are.

    Raises UnknownEntryError for a cursor that is no incident.
    """
    found: list[Incident] = []
    for _ in range(MOST_READ // CHUNK):
        chunk = list_incidents(unit, states=wanted.states, simulated=wanted.simulated, limit=CHUNK, after=after)
        for place, one in enumerate(chunk):
            if wanted.fits(one, visible):
                found.append(one)
            if len(found) == limit:
                more = place + 1 < len(chunk) or len(chunk) == CHUNK
                return found, one.id if more else None
        if len(chunk) < CHUNK:
            return found, None
        after = chunk[-1].id
    return found, after


def visible_incident(unit: Unit, visitor: Visitor, incident_id: str, now_ms: int) -> Incident:
    """Return an incident. Raises Problem (404) when there is none, or none that the visitor may see."""
    found = find_incident(unit, incident_id[:64])
    hidden = found is None or found.state is IncidentState.PENDING
    if found is None or hidden or not may_see(found, visible_sites(unit, visitor, now_ms)):
        raise Problem(404, f"There is no incident {incident_id[:64]!r}: /api/v1/incidents lists those there are.")
    return found


def view_incident(unit: Unit, visitor: Visitor, incident_id: str, now_ms: int) -> IncidentView:
    """Return an incident with all that belongs to it. Raises Problem (404) as `visible_incident` does."""
    found = visible_incident(unit, visitor, incident_id, now_ms)
    visible = visible_sites(unit, visitor, now_ms)
    parts = [one for one in incident_children(unit, found.id) if may_see(one, visible)]
    above = None if found.parent is None else find_incident(unit, found.parent)
    told = list_notifications(unit, NotificationFilter(incident=found.id), limit=NOTIFICATIONS_SHOWN)
    named = {site for one in (found, *parts) for site in sites_of(one)}
    return IncidentView(
        incident=found,
        events=incident_events(unit, found.id),
        parts=parts,
        parent=above if above is not None and may_see(above, visible) else None,
        sites=named_sites(unit, named if visible is None else named & visible),
        notifications=[item for item in told if visible is None or item.site is None or item.site in visible],
        visible=visible,
    )


def named_sites(unit: Unit, ids: Iterable[str]) -> dict[str, Site]:
    """Return the sites with these ids; those that are gone are left out."""
    return find_sites(unit, ids)


def author_of(visitor: Visitor) -> str:
    """Return under which id the visitor's words are kept."""
    return visitor.person or DEMO_AUTHOR


def may_answer(unit: Unit, visitor: Visitor, one: Incident, now_ms: int) -> bool:
    """Whether the visitor may acknowledge and comment: at one of its sites, or everywhere for the platform's own."""
    concerned = sites_of(one)
    if not concerned or one.cause == Cause.PLATFORM:
        return visitor.everywhere(Permission.ACKNOWLEDGE)
    return any(can_write(unit, visitor, Permission.ACKNOWLEDGE, site, now_ms) for site in concerned)
