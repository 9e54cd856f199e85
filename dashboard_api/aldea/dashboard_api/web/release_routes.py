"""The page of releases: what was added, and how it goes out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.rollout_view import begin, change
from aldea.dashboard_api.rollout_view import choose as choose_site
from aldea.dashboard_api.web.release_page import rollout_view
from aldea.dashboard_api.web.release_words import STATES
from aldea.model.rollouts import CHANGES
from aldea.model.said import Said, in_language
from aldea.storage.register import RegisterError
from aldea.storage.register.release_reach import without_key
from aldea.storage.register.releases import list_releases, trusted_keys
from aldea.storage.register.rollout_devices import rollout_devices
from aldea.storage.register.rollouts import list_rollouts

router = APIRouter(include_in_schema=False)

LISTED = 10
REFRESH_SECONDS = 15


@router.get("/admin/releases")
def releases(aldea: Aldea, request: Request, choose: Annotated[str, Query(max_length=10)] = "") -> Response:
    """Show the releases, the rollout that is under way, and those before it; `choose=first`: and a form for that."""
    return _page(aldea, request, "", chooses=choose == "first")


@router.post("/admin/releases")
def roll_out(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    version: Annotated[str, Form(max_length=40)] = "",
    first: Annotated[str, Form(max_length=39)] = "",
    bake_hours: Annotated[str, Form(max_length=10)] = "24",
) -> Response:
    """Begin to roll a release out."""
    try:
        hours = float(bake_hours.replace(",", "."))
    except ValueError:
        hours = -1.0
    try:
        with aldea.register.transaction() as unit:
            begin(unit, visitor, version, first.strip() or None, hours, aldea.clock.wall_ms())
    except RegisterError as error:
        return _refused(aldea, request, error)
    return _back(aldea, request, N_("It goes out: to one site first."))


@router.post("/admin/releases/change")
def changed(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    to: Annotated[str, Form(max_length=10)] = "",
    seen: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Pause, resume or stop the rollout; `seen` is why it had halted on the page that was looked at."""
    if to not in CHANGES:
        return _page(aldea, request, Said(f"{to!r} is none of {', '.join(CHANGES)}", "ese cambio no existe"))
    try:
        with aldea.register.transaction() as unit:
            found = change(unit, visitor, to, aldea.clock.wall_ms(), seen or None)
    except RegisterError as error:
        return _refused(aldea, request, error)
    return _back(aldea, request, STATES[found.rollout.state])


@router.post("/admin/releases/first")
def chosen(
    aldea: Aldea, request: Request, visitor: SignedIn, first: Annotated[str, Form(max_length=39)] = ""
) -> Response:
    """Choose another first site."""
    try:
        with aldea.register.transaction() as unit:
            choose_site(unit, visitor, first.strip() or None, aldea.clock.wall_ms())
    except RegisterError as error:
        return _refused(aldea, request, error, chooses=True)
    return _back(aldea, request, N_("Another site goes first."))


def _refused(aldea: Context, request: Request, error: RegisterError, *, chooses: bool = False) -> Response:
    return _page(aldea, request, error.args[0] if error.args else "", chooses=chooses)


def _page(aldea: Context, request: Request, error: str, *, chooses: bool = False) -> Response:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    with aldea.register.reading() as unit:
        found = list_releases(unit)
        rollouts = list_rollouts(unit, limit=LISTED)
        views = [rollout_view(item, rollout_devices(unit, item.id), shown) for item in rollouts[:1]]
        keys = len(trusted_keys(unit))
        keyless = without_key(unit) if keys else ()
    error = in_language(error, shown.code)
    under_way = bool(rollouts) and not rollouts[0].rollout.state.is_over
    return aldea.pages.render(
        request,
        "releases.html",
        400 if error else 200,
        releases=found,
        current=views[0] if views else None,
        earlier=[(item, shown.say(STATES[item.rollout.state])) for item in rollouts[1:]],
        under_way=under_way,
        refresh=REFRESH_SECONDS if under_way and not error and not chooses else 0,
        chooses=chooses,
        keys=keys,
        keyless=keyless,
        shown=shown,
        error=error[:1].upper() + error[1:],
    )


def _back(aldea: Context, request: Request, said: str) -> Response:
    response = RedirectResponse("/admin/releases", 303)
    flash(response, aldea.pages.shown(request, aldea.clock.wall_ms()).say(said))
    return response
