"""The addresses of maintenance and of its forms."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.maintenance_view import announce, end_early, faults
from aldea.dashboard_api.web.maintenance_page import maintenance_page, typed_announcement

router = APIRouter(include_in_schema=False)


class Typed(BaseModel):
    """The form as it was typed."""

    site: str = ""
    programme: str = ""
    region: str = ""
    start: str = ""
    end: str = ""
    reason: str = ""


@router.get("/maintenance")
def maintenance(aldea: Aldea, request: Request, visitor: SignedIn, site: str = "") -> Response:
    """Show what is announced, and the form; `site` fills it in."""
    values = maintenance_page(aldea, request, visitor, typed={"site": site[:39]})
    return aldea.pages.render(request, "maintenance.html", **values)


@router.post("/maintenance")
def add_one(aldea: Aldea, request: Request, visitor: SignedIn, form: Annotated[Typed, Form()]) -> Response:
    """Announce work, or show the form again with what is wrong."""
    now = aldea.clock.wall_ms()
    typed = {name: value.strip() for name, value in form.model_dump().items()}
    entered = None
    with aldea.register.transaction() as unit:
        new, errors = typed_announcement(unit, aldea, typed)
        if new is not None:
            errors = dict(faults(unit, visitor, new, now))
            entered = None if errors else announce(unit, visitor, new, now)
    if entered is None:
        values = maintenance_page(aldea, request, visitor, errors, typed)
        return aldea.pages.render(request, "maintenance.html", 400, **values)
    sentence = N_("Announced: it will count as planned, and alerts nobody.")
    if not entered.counts_as_planned:
        sentence = N_(
            "Announced, and it alerts nobody. But it is less than 48 hours ahead, so downtime counts as down."
        )
    answer = RedirectResponse("/maintenance", 303)
    flash(answer, aldea.pages.shown(request, now).say(sentence))
    return answer


@router.post("/maintenance/{maintenance}/end")
def end_one(aldea: Aldea, request: Request, visitor: SignedIn, maintenance: str) -> Response:
    """End a window early."""
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        end_early(unit, visitor, maintenance, now)
    answer = RedirectResponse("/maintenance", 303)
    flash(answer, aldea.pages.shown(request, now).say(N_("The maintenance has ended.")))
    return answer
