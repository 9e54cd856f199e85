"""The pages of programmes: their dates, what their sites owe, and which sites are in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write, visible_sites
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem, stated
from aldea.dashboard_api.web.manage_sites import today as today_at
from aldea.dashboard_api.web.programme_form import Typed, day_of, duties, read_programme, typed_programme
from aldea.dashboard_api.web.record_forms import SentForm
from aldea.dashboard_api.web.record_words import PERIOD_WORDS, programme_name
from aldea.dashboard_api.words import said
from aldea.model.said import in_language
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.programmes import (
    Programme,
    add_programme,
    assign_site,
    change_programme,
    end_assignment,
    find_programme,
    list_programmes,
    memberships,
)
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site

router = APIRouter(include_in_schema=False)

MANAGE = Permission.MANAGE_PROGRAMMES


@router.get("/admin/programmes")
def programmes(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """List the programmes, with the form for a new one."""
    return _list(aldea, request, visitor, Typed({"due_days": "10", "duty.attendance": "month"}))


@router.post("/admin/programmes")
def new_programme(aldea: Aldea, request: Request, visitor: SignedIn, sent: SentForm) -> Response:
    """Add a programme."""
    if not visitor.everywhere(MANAGE):
        raise Problem(403, "A new programme needs a right for all programmes: ask an administrator.")
    typed = Typed(dict(sent.pairs))
    errors, made = read_programme(_sayer(aldea, request), sent, sent.get("id").strip(), simulated=False)
    with aldea.register.transaction() as unit:
        if made is not None and find_programme(unit, made.id) is not None:
            errors["id"] = _say(aldea, request, N_("Id: there is a programme of this name; choose another one."))
        elif made is not None:
            add_programme(unit, made)
    if errors or made is None:
        return _list(aldea, request, visitor, Typed(typed.values, errors), 400)
    return _done(aldea, request, made.id, N_("The programme is there. Now say which sites are in it."))


@router.get("/admin/programmes/{programme}")
def one_programme(aldea: Aldea, request: Request, visitor: SignedIn, programme: str) -> Response:
    """Show a programme with its sites."""
    return _page(aldea, request, visitor, programme)


@router.post("/admin/programmes/{programme}")
def edit_programme(aldea: Aldea, request: Request, visitor: SignedIn, programme: str, sent: SentForm) -> Response:
    """Change a programme's names, dates and duties."""
    with aldea.register.transaction() as unit:
        before = _managed(unit, visitor, programme)
        if not _whole(visitor, before):
            raise Problem(403, "What a programme owes holds in every state: ask somebody who manages them all.")
        errors, made = read_programme(_sayer(aldea, request), sent, before.id, simulated=before.simulated)
        if made is not None and not errors:
            change_programme(unit, made)
    if errors:
        return _page(aldea, request, visitor, programme, Typed(dict(sent.pairs), errors))
    return _done(aldea, request, before.id, N_("Stored."))


@router.post("/admin/programmes/{programme}/sites")
def assign(aldea: Aldea, request: Request, visitor: SignedIn, programme: str, sent: SentForm) -> Response:
    """Let sites be in a programme, or no more, from a day on."""
    leaves = sent.get("action") == "end"
    sites = [value.strip() for key, value in sent.pairs if key == "site" for value in value.split() if value.strip()]
    typed, now = dict(sent.pairs), aldea.clock.wall_ms()
    today = not (sent.get("from") or "").strip()
    day = None if today else day_of(sent.get("from"))
    errors: dict[str, str] = {}
    if day is None and not today:
        errors["from"] = _say(aldea, request, N_("From: this is not a date; write it as 2025-11-03."))
    if not sites:
        errors["site"] = _say(aldea, request, N_("Site: it is missing; write the id of one or several sites."))
    if not errors:
        try:
            with aldea.register.transaction() as unit:
                found = _managed(unit, visitor, programme)
                for site_id in sites:
                    site = _site(unit, visitor, site_id, now)
                    change = end_assignment if leaves else assign_site
                    change(unit, found.id, site.id, _midnight(day or today_at(site.timezone, now), site))
        except RegisterError as error:
            errors["site"] = in_language(stated(error), aldea.pages.language(request).code)
    if errors:
        return _page(aldea, request, visitor, programme, Typed(typed, errors))
    sentence = N_("The sites are in the programme no more from that day.") if leaves else N_("The sites are in.")
    return _done(aldea, request, programme, sentence)


def _list(aldea: Context, request: Request, visitor: Visitor, typed: Typed, code: int = 200) -> Response:
    language = aldea.pages.language(request).code
    with aldea.register.reading() as unit:
        found = [item for item in list_programmes(unit) if _may(visitor, item)]
        now = aldea.clock.wall_ms()
        members = memberships(unit)
    counts = {
        item.id: len({m.site for m in members if m.programme == item.id and (m.to_ms is None or m.to_ms > now)})
        for item in found
    }
    rows = [{"programme": item, "name": programme_name(item, language), "sites": counts[item.id]} for item in found]
    return aldea.pages.render(
        request,
        "programmes.html",
        code,
        rows=rows,
        typed=typed,
        duties=duties(typed, language),
        periods=_periods(aldea, request),
        may_add=visitor.everywhere(MANAGE),
    )


def _page(aldea: Context, request: Request, visitor: Visitor, programme: str, typed: Typed | None = None) -> Response:
    language, now = aldea.pages.language(request).code, aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        found = _managed(unit, visitor, programme)
        rows = []
        mine = visible_sites(unit, visitor, now, MANAGE)
        for member in memberships(unit, found.id):
            site = find_site(unit, member.site) if mine is None or member.site in mine else None
            if site is not None:
                rows.append(_member(member.from_ms, member.to_ms, site))
    first = typed is None or "name" not in typed.values
    form = Typed(typed_programme(found), {}) if first or typed is None else typed
    sites = typed if typed is not None and first else Typed({})
    errors = {} if typed is None else typed.errors
    return aldea.pages.render(
        request,
        "programme.html",
        400 if errors else 200,
        programme=found,
        name=programme_name(found, language),
        typed=form,
        sites_typed=sites,
        duties=duties(form, language),
        periods=_periods(aldea, request),
        members=rows,
    )


def _member(from_ms: int, to_ms: int | None, site: Site) -> dict[str, Any]:
    zone = ZoneInfo(site.timezone)
    days = [
        None if ms is None else datetime.fromtimestamp(ms / 1000, zone).date().isoformat() for ms in (from_ms, to_ms)
    ]
    return {"site": site, "from": days[0], "to": days[1]}


def _periods(aldea: Context, request: Request) -> list[tuple[str, str]]:
    return [(period, _say(aldea, request, word)) for period, word in PERIOD_WORDS.items()]


def _managed(unit: Unit, visitor: Visitor, programme: str) -> Programme:
    found = find_programme(unit, programme[:80])
    if found is None or not _may(visitor, found):
        raise Problem(404, f"There is no programme {programme[:39]!r}.")
    return found


def _may(visitor: Visitor, programme: Programme) -> bool:
    return visitor.demo or any(
        MANAGE in held.permissions and held.programme in {"", programme.id} for held in visitor.held
    )


def _whole(visitor: Visitor, programme: Programme) -> bool:
    """Whether the visitor manages a programme in every region."""
    return visitor.demo or any(
        MANAGE in held.permissions and held.programme in {"", programme.id} and not held.region for held in visitor.held
    )


def _site(unit: Unit, visitor: Visitor, site_id: str, now_ms: int) -> Site:
    """Return a site that the visitor manages already: nobody takes one into their own programme to see it."""
    site = find_site(unit, site_id[:39])
    if site is None or not can_write(unit, visitor, MANAGE, site.id, now_ms):
        raise RegisterError(
            said(
                "site %(site)s is not registered, or not yours to assign: use ids as in the list of sites, or ask an "
                "administrator",
                site=repr(site_id[:39]),
            )
        )
    return site


def _midnight(day: date, site: Site) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(site.timezone)).timestamp() * 1000)


def _sayer(aldea: Context, request: Request) -> Callable[[str], str]:
    return aldea.pages.shown(request, aldea.clock.wall_ms()).say


def _say(aldea: Context, request: Request, text: str) -> str:
    return _sayer(aldea, request)(text)


def _done(aldea: Context, request: Request, programme: str, sentence: str) -> Response:
    answer = RedirectResponse(f"/admin/programmes/{programme}", 303)
    flash(answer, _say(aldea, request, sentence))
    return answer
