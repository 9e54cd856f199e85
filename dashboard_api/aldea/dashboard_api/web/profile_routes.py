"""The pages of profiles: what agents are set to, which sites have which, and sending it to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.routes.profiles import remove
from aldea.dashboard_api.settings_moves import led, may_lead
from aldea.dashboard_api.settings_sending import send
from aldea.dashboard_api.settings_view import MANAGE, Wish, assign, earlier, existing, managed_settings, save_profile
from aldea.dashboard_api.web.profile_page import LISTED, Filled, device_row, profile_form
from aldea.dashboard_api.web.record_forms import Sent, SentForm
from aldea.dashboard_api.web.settings_form import Typed, read_typed, typed_from
from aldea.model.leading import leads_to
from aldea.model.overlays import leaves
from aldea.model.said import in_language
from aldea.storage.register.device_overlays import Standing
from aldea.storage.register.device_settings import looked_at
from aldea.storage.register.profiles import Profile, find_profile, list_profiles, subject_of

router = APIRouter(include_in_schema=False)


@router.get("/admin/profiles")
def profiles(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """List the profiles."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        found = list_profiles(unit)
    return aldea.pages.render(
        request,
        "profiles.html",
        shown=aldea.pages.shown(request, now),
        rows=[
            {"id": one.id, "name": one.name, "sites": one.sites, "count": len(list(leaves(one.document)))}
            for one in found
        ],
        may_change=visitor.everywhere(MANAGE),
    )


@router.get("/admin/profiles/new")
def new(aldea: Aldea, request: Request, visitor: SignedIn, copy: Annotated[str, Query(max_length=39)] = "") -> Response:
    """Show the form of a new profile, empty or with another one's settings."""
    with aldea.register.reading() as unit:
        origin = find_profile(unit, copy) if copy else None
    typed = Typed() if origin is None else typed_from(aldea.guide.settings, origin.document)
    return profile_form(aldea, request, visitor, None, Filled(typed, {"id": "", "name": ""}))


@router.post("/admin/profiles/new")
def add(aldea: Aldea, request: Request, visitor: SignedIn, sent: SentForm) -> Response:
    """Add a profile."""
    return _save(aldea, request, visitor, sent, None)


@router.get("/admin/profiles/{profile}")
def one(aldea: Aldea, request: Request, visitor: SignedIn, profile: str) -> Response:
    """Show a profile: its settings, its sites, how their devices stand, what it said before."""
    with aldea.register.reading() as unit:
        found = existing(unit, profile)
    texts = {"id": found.id, "name": _say(aldea, request, found.name), "revision": str(found.revision)}
    return profile_form(aldea, request, visitor, found, Filled(typed_from(aldea.guide.settings, found.document), texts))


@router.post("/admin/profiles/{profile}")
def change(aldea: Aldea, request: Request, visitor: SignedIn, profile: str, sent: SentForm) -> Response:
    """Change a profile. Nothing is sent."""
    with aldea.register.reading() as unit:
        found = existing(unit, profile)
    return _save(aldea, request, visitor, sent, found)


@router.post("/admin/profiles/{profile}/restore")
def restore(aldea: Aldea, request: Request, visitor: SignedIn, profile: str, sent: SentForm) -> Response:
    """Let a profile say again what it said at an earlier revision."""
    with aldea.register.reading() as unit:
        found = existing(unit, profile)
        wanted = earlier(unit, subject_of(profile), sent.get("revision"))
    try:
        save_profile(aldea, visitor, Wish(found.id, wanted.name, wanted.document, found.revision))
    except Problem as problem:
        return _to(profile, _refused(aldea, request, problem))
    return _to(profile, _say(aldea, request, N_("It says again what it said then. Nothing was sent yet.")))


@router.post("/admin/profiles/{profile}/delete")
def delete(aldea: Aldea, request: Request, visitor: SignedIn, profile: str) -> Response:
    """Delete a profile that no site has."""
    try:
        remove(aldea, visitor, profile)
    except Problem as problem:
        return _to(profile, _refused(aldea, request, problem))
    return _to("", _say(aldea, request, N_("The profile is gone.")))


@router.post("/admin/profiles/{profile}/sites")
def put_sites(aldea: Aldea, request: Request, visitor: SignedIn, profile: str, sent: SentForm) -> Response:
    """Give sites this profile, or take it from them."""
    sites, ends = sent.get("site").split(), sent.get("action") == "end"
    with aldea.register.reading() as unit:
        found = existing(unit, profile)
    try:
        if not sites:
            raise Problem(400, _say(aldea, request, N_("Site: it is missing; write the id of one or several sites.")))
        assign(aldea, visitor, None if ends else profile, sites)
    except Problem as problem:
        texts = {"id": found.id, "name": found.name, "revision": str(found.revision), "site": sent.get("site")}
        typed = typed_from(aldea.guide.settings, found.document)
        errors = {"site": _refused(aldea, request, problem)}
        return profile_form(aldea, request, visitor, found, Filled(typed, texts, errors), problem.status)
    done = N_("They have no profile now.") if ends else N_("They have this profile now. Nothing was sent yet.")
    return _to(profile, _say(aldea, request, done))


@router.get("/admin/profiles/{profile}/send")
def preview(aldea: Aldea, request: Request, visitor: SignedIn, profile: str) -> Response:
    """Show which devices would change, and how, before anything is sent."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        found = existing(unit, profile)
        devices = managed_settings(aldea, unit, visitor, profile)
    waiting = [item for item in devices if item.standing not in {Standing.SAME, Standing.UNDER_WAY}]
    shown = aldea.pages.shown(request, now)
    return aldea.pages.render(
        request,
        "profile_send.html",
        profile=found,
        name=shown.say(found.name),
        rows=[device_row(item, shown) for item in waiting[:LISTED]],
        led=[(item.site_name, f"{item.site}/{item.device}", leads_to(item.overlay)) for item in led(waiting)],
        may_lead=may_lead(visitor),
        count=len(waiting),
        total=len(devices),
        seen=looked_at(devices),
        shown=shown,
    )


@router.post("/admin/profiles/{profile}/send")
def send_it(aldea: Aldea, request: Request, visitor: SignedIn, profile: str, sent: SentForm) -> Response:
    """Send to the devices that were ticked, or to all."""
    ticked = [tuple(value.partition("/")[::2]) for key, value in sent.pairs if key == "device"]
    only = None if sent.get("who") == "all" else [(site, device) for site, device in ticked]
    try:
        leads, seen = sent.get("leads") == "1", sent.get("seen") or None
        done = send(aldea, visitor, profile, only, again=True, leads=leads, seen=seen)
    except Problem as problem:
        if problem.status == 404:
            raise
        if problem.status == 409:
            # What would be sent now is to be looked at first.
            return _to(f"{profile}/send", _refused(aldea, request, problem))
        return _to(profile, _refused(aldea, request, problem))
    said = _say(aldea, request, N_("Sent to devices: %(num)s. What becomes of it shows below."))
    more = _say(aldea, request, N_("%(num)s more are still to be sent to: send again.")) if done.left else ""
    return _to(profile, " ".join(filter(None, [said % {"num": done.sent}, more and more % {"num": done.left}])))


def _save(aldea: Context, request: Request, visitor: Visitor, sent: Sent, found: Profile | None) -> Response:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    typed, document = read_typed(aldea.guide.settings, sent.pairs, shown)
    key = sent.get("id").strip() if found is None else found.id
    texts = {"id": key, "name": sent.get("name").strip(), "revision": sent.get("revision")}
    errors: dict[str, str] = {}
    name = found.name if found is not None and texts["name"] == shown.say(found.name) else texts["name"]
    seen = int(texts["revision"]) if texts["revision"].isdigit() else 0
    try:
        if not typed.errors:
            made = save_profile(aldea, visitor, Wish(key, name, document, None if found is None else seen))
            return _to(made.id, shown.say(N_("Saved. Nothing was sent yet.")))
    except Problem as problem:
        status = problem.status
        for fault in problem.faults:
            typed.errors.setdefault(fault.parameter, in_language(fault.detail, shown.code))
        if not problem.faults:
            errors[""] = in_language(problem.detail, shown.code)
    else:
        status = 400
    if "" in typed.errors:
        errors[""] = typed.errors.pop("")
    return profile_form(aldea, request, visitor, found, Filled(typed, texts, errors), status)


def _say(aldea: Context, request: Request, text: str) -> str:
    return aldea.pages.shown(request, aldea.clock.wall_ms()).say(text)


def _refused(aldea: Context, request: Request, problem: Problem) -> str:
    return in_language(problem.detail, aldea.pages.language(request).code)


def _to(profile: str, sentence: str) -> Response:
    response = RedirectResponse(f"/admin/profiles/{profile}".rstrip("/"), 303)
    flash(response, sentence)
    return response
