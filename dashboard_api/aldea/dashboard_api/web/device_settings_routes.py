"""The page of a device's settings: its profile, what differs here, and what the device has answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.device_view import Box
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.settings_moves import led
from aldea.dashboard_api.settings_sending import send_one
from aldea.dashboard_api.settings_view import DeviceWish, change_device, earlier, managed_device
from aldea.dashboard_api.web.record_forms import SentForm
from aldea.dashboard_api.web.settings_form import Typed, put_none, read_typed, sections, taken_out, typed_from
from aldea.dashboard_api.web.settings_words import STANDING_KINDS, STANDING_WORDS, said_of
from aldea.dashboard_api.web.shown import Shown
from aldea.model.leading import leads_to
from aldea.model.said import in_language
from aldea.storage.register.device_overlays import SERVER_FACTS, DeviceSettings, settings_of
from aldea.storage.register.device_settings import device_subject, looked_at
from aldea.storage.register.profiles import history_of, list_profiles
from aldea.storage.register.register import Unit

router = APIRouter(include_in_schema=False)

LISTED = 20
"""So many earlier differences are listed."""


def settings_section(unit: Unit, box: Box, shown: Shown, now_ms: int) -> Mapping[str, Any]:
    """Return what `device_settings.html` needs on a device's page; nothing for one that takes no settings."""
    found = settings_of(unit, SERVER_FACTS, now_ms, sites=[box.site.id], device_id=box.device.id)
    return {"device_settings": summary(found[0], shown) if found else None}


def summary(item: DeviceSettings, shown: Shown) -> dict[str, Any]:
    """Return how a device stands to its settings, in words."""
    return {
        "profile": item.profile,
        "standing": shown.say(STANDING_WORDS[item.standing]),
        "kind": STANDING_KINDS[item.standing],
        "said": said_of(item, shown.code),
        "changes": item.changes,
        "revision": item.held_revision,
        "differs": bool(item.differences),
    }


@router.get("/admin/sites/{site}/devices/{device}/settings")
def one(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: str) -> Response:
    """Show a device's settings."""
    with aldea.register.reading() as unit:
        found = managed_device(aldea, unit, visitor, site, device)
    return _page(aldea, request, found, typed_from(aldea.guide.settings, found.differences), {})


@router.post("/admin/sites/{site}/devices/{device}/settings")
def change(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: str, sent: SentForm) -> Response:
    """Change what differs at a device, and the site's profile. Nothing is sent."""
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    with aldea.register.reading() as unit:
        found = managed_device(aldea, unit, visitor, site, device)
    typed, document = read_typed(aldea.guide.settings, sent.pairs, shown, takes_out=True)
    shown_here = {item.key for item in aldea.guide.settings}
    put_none(document, [key for key in taken_out(found.differences) if key not in shown_here])
    profile = sent.get("profile").strip() or None
    seen, errors, status = sent.get("revision"), dict[str, str](), 400
    try:
        if not typed.errors:
            wish = DeviceWish(document, int(seen) if seen.isdigit() else None, profile, sets_profile=True)
            change_device(aldea, visitor, (site, device), wish)
            return _to(site, device, shown.say(N_("Saved. Nothing was sent yet.")))
    except Problem as problem:
        status = problem.status
        for fault in problem.faults:
            typed.errors.setdefault(fault.parameter, in_language(fault.detail, shown.code))
        if not problem.faults:
            errors[""] = in_language(problem.detail, shown.code)
    if "" in typed.errors:
        errors[""] = typed.errors.pop("")
    return _page(aldea, request, found, typed, errors, profile=profile, code=status)


@router.post("/admin/sites/{site}/devices/{device}/settings/restore")
def restore(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: str, sent: SentForm) -> Response:
    """Let a device differ again as it did at an earlier revision."""
    with aldea.register.reading() as unit:
        found = managed_device(aldea, unit, visitor, site, device)
        wanted = earlier(unit, device_subject(site, device), sent.get("revision"))
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    try:
        change_device(aldea, visitor, (site, device), DeviceWish(wanted.document, found.revision))
    except Problem as problem:
        return _to(site, device, in_language(problem.detail, shown.code))
    return _to(site, device, shown.say(N_("It differs again as it did then. Nothing was sent yet.")))


@router.post("/admin/sites/{site}/devices/{device}/settings/send")
def send_it(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: str, form: SentForm) -> Response:
    """Send a device what it is to run with."""
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    try:
        leads, seen = form.get("leads") == "1", form.get("seen") or None
        sent = send_one(aldea, visitor, (site, device), again=True, leads=leads, seen=seen)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _to(site, device, in_language(problem.detail, shown.code))
    said = N_("Sent. What becomes of it shows here.") if sent else N_("There is nothing to send.")
    return _to(site, device, shown.say(said))


def _page(
    aldea: Context,
    request: Request,
    found: DeviceSettings,
    typed: Typed,
    errors: Mapping[str, str],
    *,
    profile: str | None = None,
    code: int = 200,
) -> Response:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    with aldea.register.reading() as unit:
        history = history_of(unit, device_subject(found.site, found.device), limit=LISTED)
        profiles = [("", shown.say(N_("none"))), *((one.id, shown.say(one.name)) for one in list_profiles(unit))]
    faulty = {f"s.{key}": f"{key}: {text}" for key, text in typed.errors.items()} | dict(errors)
    return aldea.pages.render(
        request,
        "device_settings_page.html",
        code,
        found=found,
        now=summary(found, shown),
        seen=looked_at([found]),
        led=[(found.site_name, f"{found.site}/{found.device}", leads_to(one.overlay)) for one in led([found])],
        profiles=profiles,
        profile=found.profile if code == 200 else profile,
        errors=errors,
        history=history,
        zone=aldea.pages.zone,
        faulty=faulty,
        taken_out=taken_out(found.differences),
        sections=sections(aldea.guide.settings, typed, shown, found.profile_document),
        shown=shown,
    )


def _to(site: str, device: str, sentence: str) -> Response:
    response = RedirectResponse(f"/admin/sites/{site}/devices/{device}/settings", 303)
    flash(response, sentence)
    return response
