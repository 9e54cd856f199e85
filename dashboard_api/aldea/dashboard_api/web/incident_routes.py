"""The addresses of incidents' pages and of their forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.incident_view import author_of, may_answer, visible_incident
from aldea.dashboard_api.problems import Fault, Problem, bad_request, stated
from aldea.dashboard_api.web.cause_words import CAUSE_WORDS
from aldea.dashboard_api.web.incident_list import IncidentWish, incident_list
from aldea.dashboard_api.web.incident_page import incident_page
from aldea.dashboard_api.web.incident_words import ALL, STATE_CHOICES
from aldea.storage.register.errors import UnknownEntryError
from aldea.storage.register.incident_answers import TEXT_LIMIT, acknowledge, comment, set_owner
from aldea.storage.register.people import find_person
from aldea.storage.register.register import Unit

router = APIRouter(include_in_schema=False)

KINDS = ("", "real", "simulated")


class IncidentsQuery(BaseModel):
    """Which incidents, as the address says it."""

    state: str = ALL
    cause: str = ""
    site: str = Field("", max_length=39)
    kind: str = ""
    after: str | None = Field(None, max_length=64)
    lang: str = ""
    fragment: str = ""


@router.get("/incidents")
def incidents(aldea: Aldea, request: Request, visitor: SignedIn, asked: Annotated[IncidentsQuery, Query()]) -> Response:
    """Show the incidents."""
    for name, value, known in (
        ("state", asked.state or ALL, tuple(STATE_CHOICES)),
        ("cause", asked.cause or "unknown", tuple(CAUSE_WORDS)),
        ("kind", asked.kind or "real", KINDS[1:]),
    ):
        if value not in known:
            raise bad_request([Fault(name, f"{name} is {value[:40]!r}: use {', '.join(known)}.")])
    wish = IncidentWish(asked.state or ALL, asked.cause, asked.site.strip(), asked.kind == "simulated", asked.after)
    try:
        values = incident_list(aldea, request, visitor, wish)
    except UnknownEntryError as error:
        raise bad_request([Fault("after", stated(error, "after: "))]) from error
    return aldea.pages.render(request, "incidents.html", **values)


@router.get("/incidents/{incident}")
def one_incident(aldea: Aldea, request: Request, visitor: SignedIn, incident: str) -> Response:
    """Show one incident."""
    return aldea.pages.render(request, "incident.html", **incident_page(aldea, request, visitor, incident))


@router.post("/incidents/{incident}/acknowledge")
def acknowledge_incident(
    aldea: Aldea, request: Request, visitor: SignedIn, incident: str, note: Annotated[str, Form()] = ""
) -> Response:
    """Note that somebody has seen the incident."""
    return _written(
        aldea, request, visitor, incident, ("note", note), acknowledge, N_("Noted: the incident has been seen.")
    )


@router.post("/incidents/{incident}/comment")
def comment_incident(
    aldea: Aldea, request: Request, visitor: SignedIn, incident: str, text: Annotated[str, Form()] = ""
) -> Response:
    """Add somebody's words to the timeline."""
    if not text.strip():
        return _again(aldea, request, visitor, incident, "text", text)
    return _written(aldea, request, visitor, incident, ("text", text), comment, N_("The comment is in the timeline."))


@router.post("/incidents/{incident}/owner")
def own_incident(
    aldea: Aldea, request: Request, visitor: SignedIn, incident: str, owner: Annotated[str, Form()] = ""
) -> Response:
    """Say who looks after the incident."""
    now, author = aldea.clock.wall_ms(), author_of(visitor)
    with aldea.register.reading() as unit:
        known = not owner or owner == author or find_person(unit, owner[:39]) is not None
    if not known:
        return _again(aldea, request, visitor, incident, "owner", owner)
    return _done(
        aldea,
        request,
        visitor,
        incident,
        lambda unit: set_owner(unit, incident, owner or None, now, author),
        N_("Noted who looks after it."),
    )


def _written(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    incident: str,
    typed: tuple[str, str],
    write: Callable[[Unit, str, str, int, str], object],
    sentence: str,
) -> Response:
    """Put somebody's words, typed into the field of that name, into the timeline."""
    name, text = typed
    if len(text) > TEXT_LIMIT:
        return _again(aldea, request, visitor, incident, name, text)
    now = aldea.clock.wall_ms()
    return _done(
        aldea, request, visitor, incident, lambda unit: write(unit, incident, author_of(visitor), now, text), sentence
    )


def _done(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    incident: str,
    change: Callable[[Unit], object],
    sentence: str,
) -> Response:
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        one = visible_incident(unit, visitor, incident, now)
        if not may_answer(unit, visitor, one, now):
            raise Problem(403, "Your role may not change incidents of this site: ask an administrator.")
        change(unit)
    answer = RedirectResponse(f"/incidents/{one.id}", 303)
    flash(answer, aldea.pages.shown(request, now).say(sentence))
    return answer


def _again(aldea: Aldea, request: Request, visitor: SignedIn, incident: str, name: str, typed: str) -> Response:
    """Show the page once more with what was typed and a sentence at the field."""
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    if name == "owner":
        sentence = shown.say(N_("There is no such person: choose one of the list."))
    elif typed.strip():
        long = shown.say(N_("This has %(count)s characters: shorten it to %(limit)s at most."))
        sentence = long % {"count": shown.number(len(typed)), "limit": shown.number(TEXT_LIMIT)}
    else:
        sentence = shown.say(N_("The comment is empty: write what was done or seen."))
    values = incident_page(aldea, request, visitor, incident, {name: sentence}, {name: typed})
    return aldea.pages.render(request, "incident.html", 400, **values)
