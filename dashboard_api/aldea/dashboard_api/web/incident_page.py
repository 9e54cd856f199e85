"""What the page of one incident shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request

from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.incident_view import IncidentView, author_of, may_answer, sites_of, told_of, view_incident
from aldea.dashboard_api.web.cause_words import cause_check, evidence_sentences
from aldea.dashboard_api.web.incident_list import RowWriter
from aldea.dashboard_api.web.incident_words import EVENT_LOOKS, event_detail, event_text, spoken
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.feed import newest_feed_id
from aldea.storage.register.incidents import Incident, IncidentEvent
from aldea.storage.register.notifications import Notification
from aldea.storage.register.people import Person, list_people

NOTIFICATION_WORDS: Mapping[str, tuple[str, str]] = {
    "waiting": (N_("waiting to be sent"), "unknown"),
    "sending": (N_("being sent"), "unknown"),
    "sent": (N_("sent"), "up"),
    "failed": (N_("could not be sent"), "down"),
    "expired": (N_("not sent: it was no news any more"), "off"),
    "collapsed": (N_("joined with another message"), "off"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the timeline."""

    icon: str
    colour: str
    title: str
    detail: str
    author: str
    at_ms: int
    exact: str


@dataclass(frozen=True, slots=True)
class Told:
    """A notification about the incident."""

    who: str
    channel: str
    subject: str
    state: str
    look: str
    exact: str
    error: str


def incident_page(
    context: Context,
    request: Request,
    visitor: Visitor,
    incident_id: str,
    errors: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the values of the incident's template. Raises Problem (404) when there is none to be seen."""
    now = context.clock.wall_ms()
    shown = context.pages.shown(request, now)
    with context.register.reading() as unit:
        view = view_incident(unit, visitor, incident_id, now)
        people = list_people(unit)
        answer = may_answer(unit, visitor, view.incident, now)
        feed_id = newest_feed_id(unit)
    one = view.incident
    zone = _zone(context, view)
    writer = RowWriter(shown, zone, view.sites, {person.id: person.label for person in people})
    return {
        "shown": shown,
        "row": writer.row(one),
        "one": one,
        "sites": [view.sites[site] for site in sites_of(one) if site in view.sites],
        "check": cause_check(one.cause, shown),
        "evidence": evidence_sentences(told_of(one.summary.get("evidence") or {}, view.visible), shown),
        "shared": spoken(one.summary.get("shared"), shown),
        "parts": [writer.row(part) for part in view.parts],
        "parent": None if view.parent is None else writer.row(view.parent),
        "steps": [_step(event, writer, shown, zone) for event in view.events],
        "told": [_told(item, writer, shown, zone) for item in view.notifications],
        "fired": shown.exact(one.fired_ms, zone),
        "resolved": shown.exact(one.resolved_ms, zone),
        "seen_at": shown.exact(one.acknowledged_ms, zone),
        "so_far": shown.length((one.resolved_ms or now) - one.opened_ms),
        "may_answer": answer,
        "owners": _owners(people, visitor, one, shown),
        "me": author_of(visitor),
        "errors": errors or {},
        "typed": typed or {},
        "zone": zone.key,
        "feed_id": feed_id,
    }


def _zone(context: Context, view: IncidentView) -> ZoneInfo:
    """Return the zone of the only site; times of several sites, or of none, are the server's."""
    if len(view.sites) == 1 and len(sites_of(view.incident)) == 1:
        return ZoneInfo(next(iter(view.sites.values())).timezone)
    return context.pages.zone


def _owners(people: tuple[Person, ...], visitor: Visitor, one: Incident, shown: Shown) -> list[tuple[str, str]]:
    found = [("", shown.say(N_("Nobody")))]
    found += [(person.id, person.label) for person in people if not person.disabled or person.id == one.owner]
    if visitor.demo:
        found.append((author_of(visitor), shown.say(N_("Demo administrator"))))
    return found


def _step(event: IncidentEvent, writer: RowWriter, shown: Shown, zone: ZoneInfo) -> Step:
    icon, colour = EVENT_LOOKS.get(event.kind, ("clock", ""))
    detail = event_detail(event.detail, shown)
    if event.kind == "owner" and event.detail.get("owner"):
        detail = writer.person(str(event.detail["owner"]))
    return Step(
        icon,
        colour,
        event_text(event.kind, event.detail, shown),
        detail,
        writer.person(event.author),
        event.at_ms,
        shown.exact(event.at_ms, zone),
    )


def _told(item: Notification, writer: RowWriter, shown: Shown, zone: ZoneInfo) -> Told:
    words, look = NOTIFICATION_WORDS.get(item.state.value, (item.state.value, "unknown"))
    at = item.decided_ms if item.decided_ms is not None else item.created_ms
    return Told(
        writer.person(item.recipient),
        item.channel,
        item.subject,
        shown.say(words),
        look,
        shown.exact(at, zone),
        item.last_error or "",
    )
