"""The page with which somebody starts for real: a word to type, and how far it has come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.web.manage_words import PHASES
from aldea.storage.register.audit import audit
from aldea.storage.register.real_start import Phase, ask, read_wish
from aldea.storage.register.sites import count_sites

router = APIRouter(include_in_schema=False)

WORDS = frozenset({"empezar", "start"})
UNHEARD_MS = 15_000


@router.get("/admin/start-for-real")
def start(aldea: Aldea, request: Request) -> Response:
    """Show what would go, or how far it is."""
    return _page(aldea, request, "")


@router.post("/admin/start-for-real")
def confirm(
    aldea: Aldea, request: Request, visitor: SignedIn, word: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    """Ask for it, once the word was typed."""
    now = aldea.clock.wall_ms()
    if word.strip().casefold() not in WORDS:
        shown = aldea.pages.shown(request, now)
        return _page(aldea, request, shown.say(N_("Nothing was changed: type the word as it is shown.")))
    with aldea.register.transaction() as unit:
        ask(unit, visitor.label or "demo", now)
        audit(unit, visitor.person, "started_for_real", "instance", {}, now)
    return RedirectResponse("/admin/start-for-real", 303)


def _page(aldea: Context, request: Request, error: str) -> Response:
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        wish, simulated = read_wish(unit), count_sites(unit, simulated=True)
    going_on = wish is not None and not wish.is_over
    unheard = wish is not None and wish.phase is Phase.ASKED and now - wish.asked_ms > UNHEARD_MS
    page = aldea.pages.render(
        request,
        "real_start.html",
        400 if error else 200,
        wish=wish,
        phase=None if wish is None else aldea.pages.shown(request, now).say(PHASES[wish.phase]),
        going_on=going_on,
        unheard=unheard,
        simulated=simulated,
        error=error,
    )
    if going_on:
        page.headers["Refresh"] = "2"
    return page
