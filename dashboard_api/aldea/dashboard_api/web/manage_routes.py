"""Pages to manage real sites: list, add, change and close them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.dashboard_api.web import manage_devices
from aldea.dashboard_api.web.manage_devices import back_to
from aldea.dashboard_api.web.manage_sites import entries, faults_of, managed_site, read_day, save, today, typed_of
from aldea.dashboard_api.web.manage_words import STATES
from aldea.storage.importing.columns import BY_KEY
from aldea.storage.importing.plan import day_start
from aldea.storage.register.audit import audit
from aldea.storage.register.listing import SiteFilter, list_sites
from aldea.storage.register.replacing import device_access
from aldea.storage.register.sites import SiteState, find_site, set_state, state_at

router = APIRouter(include_in_schema=False)
router.include_router(manage_devices.router)

PAGE = 100
BAD_DAY = N_("That is not a date: write it as 2026-03-01.")
NOT_EVERYWHERE = N_("Only somebody whose right holds everywhere can add sites: ask an administrator.")


@router.get("/admin/sites")
def manage(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    q: Annotated[str, Query(max_length=80)] = "",
    after: Annotated[str | None, Query(max_length=39)] = None,
) -> Response:
    """List the real sites that this visitor manages."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        mine = visible_sites(unit, visitor, now, Permission.MANAGE_SITES)
        only = SiteFilter(simulated=False, search=q.strip() or None, sites=mine)
        found = list_sites(unit, now, after=after, limit=PAGE + 1, only=only)
    behind = found[PAGE - 1].site.id if len(found) > PAGE else None
    return aldea.pages.render(
        request,
        "manage_sites.html",
        shown=aldea.pages.shown(request, now),
        rows=found[:PAGE],
        q=q,
        behind=behind,
        life_words=STATES,
        may_add=visitor.everywhere(Permission.MANAGE_SITES),
    )


@router.get("/admin/sites/new")
def new(aldea: Aldea, request: Request) -> Response:
    """Show an empty form."""
    return _form(aldea, request, {}, {}, None)


@router.post("/admin/sites/new")
async def add(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """Add a site."""
    typed = await _typed(request)
    return await run_in_threadpool(_save, aldea, request, visitor, typed, None)


@router.get("/admin/sites/{site}")
def one(aldea: Aldea, request: Request, visitor: SignedIn, site: str) -> Response:
    """Show a site with its devices and the form to change it."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        typed = typed_of(unit, managed_site(unit, visitor, site, now), now)
    return _form(aldea, request, typed, {}, site)


@router.post("/admin/sites/{site}")
async def change(aldea: Aldea, request: Request, visitor: SignedIn, site: str) -> Response:
    """Change a site from a day on."""
    typed = await _typed(request) | {"id": site}
    return await run_in_threadpool(_save, aldea, request, visitor, typed, site)


@router.post("/admin/sites/{site}/state")
def change_state(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    site: str,
    state: Annotated[str, Form(max_length=20)],
    from_day: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Suspend, close or open a site again, from a day on."""
    now = aldea.clock.wall_ms()
    if state not in tuple(SiteState):
        raise bad_request([Fault("state", f"state is {state[:40]!r}: use {', '.join(SiteState)}.")])
    with aldea.register.transaction() as unit:
        found = managed_site(unit, visitor, site, now)
        day = read_day(from_day, today(found.timezone, now))
        if day is not None:
            at = now if day == today(found.timezone, now) else day_start(day, found.timezone)
            set_state(unit, site, SiteState(state), at)
            audit(unit, visitor.person, "site_state", site, {"state": state, "from": day.isoformat()}, now)
    shown = aldea.pages.shown(request, now)
    return back_to(site, shown.say(BAD_DAY if day is None else N_("Saved.")))


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    kept = {key: form.get(key) for key in (*BY_KEY, "from_day")}
    return {key: value[:500] for key, value in kept.items() if isinstance(value, str)}


def _save(aldea: Context, request: Request, visitor: Visitor, typed: Mapping[str, str], site: str | None) -> Response:
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    errors: dict[str, str] = {}
    with aldea.register.transaction() as unit:
        if site is not None:
            managed_site(unit, visitor, site, now)
        elif not visitor.everywhere(Permission.MANAGE_SITES):
            errors[""] = shown.say(NOT_EVERYWHERE)
        elif find_site(unit, typed.get("id", "").strip()) is not None:
            errors["id"] = shown.say(N_("There is a site with this id already: choose another."))
        cells = {key: text for key, text in typed.items() if key != "from_day"}
        given = typed.get("from_day", "").strip()
        day = read_day(given, date.min) if given else None
        if given and day is None:
            errors["from_day"] = shown.say(BAD_DAY)
        if errors:
            # All mistakes at once: nobody corrects a form three times gladly.
            wrong, _ = faults_of(unit, cells, day, now, shown)
            errors = {**wrong, **errors}
        else:
            errors = save(unit, visitor, cells, day, now, shown)
    if errors:
        return _form(aldea, request, typed, errors, site, 400)
    return back_to(typed["id"].strip(), shown.say(N_("Saved.")))


def _form(
    aldea: Context,
    request: Request,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    site: str | None,
    code: int = 200,
) -> Response:
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    values: dict[str, Any] = {"site": None, "devices": (), "state": None, "day": today(aldea.pages.zone.key, now)}
    if site is not None:
        with aldea.register.reading() as unit:
            values["site"] = find_site(unit, site)
            values["devices"] = device_access(unit, site, now)
            values["state"] = state_at(unit, site, now)
            values["day"] = today(values["site"].timezone, now)
    return aldea.pages.render(
        request,
        "manage_site.html",
        code,
        **values,
        shown=shown,
        zone=aldea.pages.zone,
        inputs=entries(shown, typed, errors, is_new=site is None),
        from_day=typed.get("from_day", "") or ("" if site is None else values["day"].isoformat()),
        errors=errors,
        life_choices=[(state.value, shown.say(word)) for state, word in STATES.items()],
    )
