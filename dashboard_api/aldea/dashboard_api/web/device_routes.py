"""The page of a device: what can be asked of it from afar, and what it answered."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.device_view import DIAGNOSTICS, PROBES, TEST, Asked, ask, cancel, commanded
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web.device_page import command_rows, diagnostics_parts, newest_diagnostics, refresh_seconds
from aldea.dashboard_api.web.device_sections import SECTIONS
from aldea.dashboard_api.web.device_words import NOT_TAKEN, PROBE_WORDS
from aldea.model.said import in_language
from aldea.storage.register.commands import commands_of
from aldea.storage.register.returned_documents import returned_documents

router = APIRouter(include_in_schema=False)

LISTED = 25
RETURNED = 5
"""So many rows that could not be taken are shown."""


@router.get("/admin/sites/{site}/devices/{device}")
def one(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    site: str,
    device: str,
    diagnostics: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Show a device: how it was last heard, what was asked of it, its diagnostics."""
    now = aldea.clock.wall_ms()
    shown, zone = aldea.pages.shown(request, now), aldea.pages.zone
    with aldea.register.reading() as unit:
        box = commanded(unit, visitor, site, device, now)
        commands = commands_of(unit, site, device, limit=LISTED)
        kept = commands_of(unit, site, device, kinds=[DIAGNOSTICS], limit=LISTED)
        may_manage = can_write(unit, visitor, Permission.MANAGE_SITES, site, now)
        returned = returned_documents(unit, RETURNED, site=site, device=device) if may_manage else ()
        sections: dict[str, Any] = {}
        for section in SECTIONS if may_manage else ():
            sections |= section(unit, box, shown, now)
    answered = newest_diagnostics(kept, diagnostics)
    return aldea.pages.render(
        request,
        "device.html",
        box=box,
        shown=shown,
        zone=zone,
        may_manage=may_manage,
        rows=command_rows(box, commands, shown),
        refresh=refresh_seconds(box, commands),
        probes=[(name, shown.say(PROBE_WORDS[name])) for name in PROBES],
        returned=returned,
        not_taken=NOT_TAKEN,
        answered=answered,
        parts=() if answered is None else diagnostics_parts(answered, shown, zone),
        **sections,
    )


@router.post("/admin/sites/{site}/devices/{device}/commands")
def asked(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    site: str,
    device: str,
    kind: Annotated[str, Form(max_length=40)] = TEST,
    probe: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Ask for a test or for diagnostics."""
    now = aldea.clock.wall_ms()
    payload = {"probe": probe} if kind == TEST else {}
    shown = aldea.pages.shown(request, now)
    said = shown.say(N_("Asked for. The answer appears here by itself."))
    try:
        with aldea.register.transaction() as unit:
            ask(unit, visitor, commanded(unit, visitor, site, device, now), Asked(kind, payload), now)
    except Problem as problem:
        if problem.status == 404:
            raise
        said = in_language(problem.detail, shown.code)
    return _back(site, device, said)


@router.post("/admin/sites/{site}/devices/{device}/commands/{command}/cancel")
def cancelled(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: str, command: str) -> Response:
    """Stop a command that has not reached the device."""
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    said = shown.say(N_("Cancelled."))
    try:
        with aldea.register.transaction() as unit:
            cancel(unit, visitor, commanded(unit, visitor, site, device, now), command, now)
    except Problem as problem:
        if problem.status == 404:
            raise
        said = in_language(problem.detail, shown.code)
    return _back(site, device, said)


def _back(site: str, device: str, said: str) -> Response:
    response = RedirectResponse(f"/admin/sites/{site}/devices/{device}", 303)
    flash(response, said)
    return response
