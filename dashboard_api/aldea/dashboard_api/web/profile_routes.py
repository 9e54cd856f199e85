"""The pages of profiles: what agents are set to, which sites have which, and sending it to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.routes.profiles import remove
from aldea.dashboard_api.settings_view import (
    MANAGE,
    Wish,
    assign,
    existing,
    managed_settings,
    save_profile,
    send,
    tally,
)
from aldea.dashboard_api.web.record_forms import Sent, SentForm
from aldea.dashboard_api.web.settings_form import Typed, read_typed, sections, typed_from
from aldea.dashboard_api.web.settings_words import STANDING_KINDS, STANDING_WORDS, said_of
from aldea.dashboard_api.web.shown import Shown
from aldea.model.overlays import leaves
from aldea.storage.register.device_overlays import DeviceSettings, Standing
from aldea.storage.register.profiles import Profile, find_profile, history_of, list_profiles, subject_of

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Filled:
    """What a profile's form holds: its settings, its other inputs, and what is wrong."""

    typed: Typed
    texts: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def faulty(self) -> dict[str, str]:
        """What is wrong, for the list on top."""
        return {f"s.{key}": f"{key}: {text}" for key, text in self.typed.errors.items()} | dict(self.errors)


LISTED = 300
"""So many devices are listed on a page; all of them are counted, and can be sent to."""


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
    return _form(aldea, request, visitor, None, _Filled(typed, {"id": "", "name": ""}))


@router.post("/admin/profiles/new")
def add(aldea: Aldea, request: Request, visitor: SignedIn, sent: SentForm) -> Response:
    """Add a profile."""
    return _save(aldea, request, visitor, sent, None)


@router.get("/admin/profiles/{profile}")
def one(aldea: Aldea, request: Request, visitor: SignedIn, profile: str) -> Response:
    """Show a profile: its settings, its sites, how their devices stand, what it said before."""
    with aldea.register.reading() as unit:
        found = existing(unit, profile)
    texts = {"id": found.id, "name": _name(aldea, request, found.name), "revision": str(found.revision)}
    return _form(aldea, request, visitor, found, _Filled(typed_from(aldea.guide.settings, found.document), texts))


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
        past = {str(item.revision): item for item in history_of(unit, subject_of(profile))}
    wanted = past.get(sent.get("revision"))
    if wanted is None:
        raise Problem(404, "That revision is not kept any more.")
    try:
        save_profile(aldea, visitor, Wish(found.id, wanted.name, wanted.document, found.revision))
    except Problem as problem:
        return _to(profile, problem.detail)
    return _to(profile, _say(aldea, request, N_("It says again what it said then. Nothing was sent yet.")))


@router.post("/admin/profiles/{profile}/delete")
def delete(aldea: Aldea, request: Request, visitor: SignedIn, profile: str) -> Response:
    """Delete a profile that no site has."""
    try:
        remove(aldea, visitor, profile)
    except Problem as problem:
        return _to(profile, problem.detail)
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
        return _form(aldea, request, visitor, found, _Filled(typed, texts, {"site": problem.detail}), problem.status)
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
        rows=[_row(item, shown) for item in waiting[:LISTED]],
        count=len(waiting),
        total=len(devices),
        shown=shown,
    )


@router.post("/admin/profiles/{profile}/send")
def send_it(aldea: Aldea, request: Request, visitor: SignedIn, profile: str, sent: SentForm) -> Response:
    """Send to the devices that were ticked, or to all."""
    ticked = [tuple(value.partition("/")[::2]) for key, value in sent.pairs if key == "device"]
    only = None if sent.get("who") == "all" else [(site, device) for site, device in ticked]
    try:
        count = send(aldea, visitor, profile, only, again=True)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _to(profile, problem.detail)
    said = _say(aldea, request, N_("Sent to devices: %(num)s. What becomes of it shows below."))
    return _to(profile, said % {"num": count})


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
            typed.errors.setdefault(fault.parameter, fault.detail)
        if not problem.faults:
            errors[""] = problem.detail
    else:
        status = 400
    if "" in typed.errors:
        errors[""] = typed.errors.pop("")
    return _form(aldea, request, visitor, found, _Filled(typed, texts, errors), status)


def _form(
    aldea: Context,
    request: Request,
    visitor: Visitor,
    found: Profile | None,
    filled: _Filled,
    code: int = 200,
) -> Response:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    values: dict[str, Any] = {}
    if found is not None:
        with aldea.register.reading() as unit:
            values["history"] = history_of(unit, subject_of(found.id))
            devices = managed_settings(aldea, unit, visitor, found.id)
        counts = tally(devices)
        values["counts"] = [(shown.say(STANDING_WORDS[key]), STANDING_KINDS[key], n) for key, n in counts.items() if n]
        values["rows"] = [_row(item, shown) for item in devices[:LISTED]]
        values["count"] = len(devices)
        values["unsent"] = len(devices) - counts[Standing.SAME] - counts[Standing.UNDER_WAY]
    return aldea.pages.render(
        request,
        "profile.html",
        code,
        profile=found,
        title=shown.say(N_("New profile")) if found is None else shown.say(found.name),
        texts=filled.texts,
        errors=filled.errors,
        faulty=filled.faulty,
        sections=sections(aldea.guide.settings, filled.typed, shown),
        may_change=visitor.everywhere(MANAGE),
        shown=shown,
        zone=aldea.pages.zone,
        **values,
    )


def _row(item: DeviceSettings, shown: Shown) -> dict[str, Any]:
    return {
        "site": item.site,
        "site_name": item.site_name,
        "device": item.device,
        "changes": item.changes,
        "differs": bool(item.differences),
        "standing": shown.say(STANDING_WORDS[item.standing]),
        "kind": STANDING_KINDS[item.standing],
        "said": said_of(item, shown.code) if item.standing in {Standing.FAILED, Standing.ROLLED_BACK} else "",
    }


def _name(aldea: Context, request: Request, name: str) -> str:
    return _say(aldea, request, name)


def _say(aldea: Context, request: Request, text: str) -> str:
    return aldea.pages.shown(request, aldea.clock.wall_ms()).say(text)


def _to(profile: str, sentence: str) -> Response:
    response = RedirectResponse(f"/admin/profiles/{profile}".rstrip("/"), 303)
    flash(response, sentence)
    return response
