"""Incidents: the list, one of them with its timeline, and what people answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.incident_schemas import (
    AcknowledgeBody,
    CommentBody,
    EventDocument,
    IncidentDetailDocument,
    IncidentDocument,
    IncidentsDocument,
    IncidentsQuery,
)
from aldea.dashboard_api.incident_view import (
    IncidentView,
    Wanted,
    author_of,
    choose,
    may_answer,
    sites_of,
    told_of,
    view_incident,
    visible_incident,
)
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.problems import Fault, Problem, bad_request, stated
from aldea.dashboard_api.routes.documented import PROBLEM, RESPONSES
from aldea.storage.register.errors import UnknownEntryError
from aldea.storage.register.incident_answers import acknowledge, comment
from aldea.storage.register.incidents import Incident, IncidentState

router = APIRouter(prefix="/api/v1", tags=["incidents"])

ONE_RESPONSES: dict[int | str, dict[str, Any]] = {**RESPONSES, 403: PROBLEM, 404: PROBLEM}


@router.get("/incidents", summary="List incidents", responses=RESPONSES)
def list_all(aldea: Aldea, visitor: SignedIn, wanted: Annotated[IncidentsQuery, Query()]) -> IncidentsDocument:
    """List incidents, the newest first: of real sites, or of simulated ones; never of both."""
    states = (IncidentState.FIRING, IncidentState.RESOLVED) if wanted.state is None else (IncidentState(wanted.state),)
    chosen = Wanted(wanted.simulated, states, wanted.cause, wanted.site)
    with aldea.register.reading() as unit:
        visible = visible_sites(unit, visitor, aldea.clock.wall_ms())
        try:
            found, cursor = choose(unit, chosen, visible, wanted.limit, wanted.after)
        except UnknownEntryError as error:
            raise bad_request([Fault("after", stated(error, "after: "))]) from error
    return IncidentsDocument(items=[IncidentDocument(**_members(one, visible)) for one in found], next=cursor)


@router.get("/incidents/{incident}", summary="One incident", responses=ONE_RESPONSES)
def one_incident(aldea: Aldea, visitor: SignedIn, incident: str) -> IncidentDetailDocument:
    """Return an incident with its timeline and the incidents that are part of it."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        return _detail(view_incident(unit, visitor, incident, now), visible_sites(unit, visitor, now))


@router.post("/incidents/{incident}/acknowledge", summary="Say that it has been seen", responses=ONE_RESPONSES)
def acknowledge_incident(
    aldea: Aldea, visitor: SignedIn, incident: str, body: AcknowledgeBody | None = None
) -> IncidentDetailDocument:
    """Note that the caller has seen the incident; who came first stays named."""
    now = aldea.clock.wall_ms()
    note = "" if body is None else body.note
    with aldea.register.transaction() as unit:
        found = visible_incident(unit, visitor, incident, now)
        _must_be_allowed(may_answer(unit, visitor, found, now))
        acknowledge(unit, found.id, author_of(visitor), now, note)
        return _detail(view_incident(unit, visitor, found.id, now), visible_sites(unit, visitor, now))


@router.post("/incidents/{incident}/comment", summary="Write into its timeline", responses=ONE_RESPONSES)
def comment_incident(aldea: Aldea, visitor: SignedIn, incident: str, body: CommentBody) -> IncidentDetailDocument:
    """Add the caller's words to the timeline."""
    now = aldea.clock.wall_ms()
    if not body.text.strip():
        raise bad_request([Fault("text", "text is empty: write what was done or seen.")])
    with aldea.register.transaction() as unit:
        found = visible_incident(unit, visitor, incident, now)
        _must_be_allowed(may_answer(unit, visitor, found, now))
        comment(unit, found.id, author_of(visitor), now, body.text)
        return _detail(view_incident(unit, visitor, found.id, now), visible_sites(unit, visitor, now))


def _must_be_allowed(allowed: bool) -> None:  # noqa: FBT001 - one plain answer, asked twice
    if not allowed:
        raise Problem(403, "Your role may not change incidents of this site: ask an administrator.")


def _members(one: Incident, visible: frozenset[str] | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "site": one.site,
        "sites": [site for site in sites_of(one) if visible is None or site in visible],
        "rule": one.rule,
        "state": one.state.value,
        "cause": one.cause or "unknown",
        "reason": _texts(one.summary.get("sentence")),
        "opened": iso(one.opened_ms),
        "fired": iso(one.fired_ms),
        "resolved": iso(one.resolved_ms),
        "owner": one.owner,
        "acknowledged_by": one.acknowledged_by,
        "acknowledged": iso(one.acknowledged_ms),
        "revision": one.revision,
        "simulated": one.simulated,
        "parent": one.parent,
    }


def _texts(found: object) -> dict[str, str]:
    return {str(code): str(text) for code, text in found.items()} if isinstance(found, dict) else {}


def _detail(view: IncidentView, visible: frozenset[str] | None) -> IncidentDetailDocument:
    events = [
        EventDocument(at=str(iso(event.at_ms)), kind=event.kind, author=event.author, detail=dict(event.detail))
        for event in view.events
    ]
    parts = [one.id for one in view.parts]
    return IncidentDetailDocument(
        **_members(view.incident, visible),
        summary=told_of(view.incident.summary, visible),
        timeline=events,
        parts=parts,
    )
