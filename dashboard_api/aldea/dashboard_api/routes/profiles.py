"""Settings of agents: profiles, single devices, and sending them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.problems import Problem, sentence
from aldea.dashboard_api.routes.documented import PROBLEM, RESPONSES, SITE_RESPONSES
from aldea.dashboard_api.settings_schemas import (
    AssignedDocument,
    DeviceSettingsDocument,
    DeviceSettingsListDocument,
    DifferencesWish,
    ProfileDocument,
    ProfileListDocument,
    ProfileWish,
    SendOneWish,
    SendWish,
    SentDocument,
    SettingDocument,
    SettingListDocument,
    SitesWish,
)
from aldea.dashboard_api.settings_sending import send, send_one
from aldea.dashboard_api.settings_view import (
    MANAGE,
    DeviceWish,
    Wish,
    assign,
    change_device,
    existing,
    managed_device,
    managed_settings,
    not_everywhere,
    save_profile,
)
from aldea.storage.register.audit import audit
from aldea.storage.register.device_overlays import DeviceSettings
from aldea.storage.register.device_settings import looked_at
from aldea.storage.register.errors import RegisterConflictError
from aldea.storage.register.profiles import Profile, delete_profile, list_profiles

router = APIRouter(prefix="/api/v1", tags=["settings"])

CHANGING = {**SITE_RESPONSES, 403: PROBLEM, 409: PROBLEM}
PAGE = 500


@router.get("/agent-settings", summary="What agents can be set to", responses=RESPONSES)
def agent_settings(aldea: Aldea) -> SettingListDocument:
    """List every setting that may come from afar, with its default and its limits."""
    items = [
        SettingDocument(
            key=item.key,
            shape=item.shape.value,
            help=item.help,
            default=item.default,
            minimum=item.minimum,
            maximum=item.maximum,
            choices=list(item.choices),
            env=item.env,
        )
        for item in aldea.guide.settings
    ]
    return SettingListDocument(items=items, next=None)


@router.get("/profiles", summary="Profiles of settings", responses=RESPONSES)
def profiles(aldea: Aldea) -> ProfileListDocument:
    """List the profiles by id."""
    with aldea.register.reading() as unit:
        return ProfileListDocument(items=[_profile(item) for item in list_profiles(unit)], next=None)


@router.get("/profiles/{profile}", summary="One profile", responses=SITE_RESPONSES)
def one(aldea: Aldea, profile: str) -> ProfileDocument:
    """Return a profile with its settings."""
    with aldea.register.reading() as unit:
        return _profile(existing(unit, profile))


@router.put("/profiles/{profile}", summary="Add or change a profile", responses=CHANGING)
def put(aldea: Aldea, visitor: SignedIn, profile: str, wish: ProfileWish) -> ProfileDocument:
    """Add a profile (without `revision`) or change one (with the revision that was looked at). Nothing is sent."""
    return _profile(save_profile(aldea, visitor, Wish(profile, wish.name, wish.document, wish.revision)))


@router.delete("/profiles/{profile}", status_code=204, summary="Delete a profile", responses=CHANGING)
def delete(aldea: Aldea, visitor: SignedIn, profile: str) -> Response:
    """Delete a profile that no site has."""
    remove(aldea, visitor, profile)
    return Response(status_code=204)


def remove(aldea: Context, visitor: Visitor, profile: str) -> None:
    """Delete a profile. Raises Problem: 403, 404, 409 for one that sites have."""
    if not visitor.everywhere(MANAGE):
        raise Problem(403, not_everywhere())
    try:
        with aldea.register.transaction() as unit:
            existing(unit, profile)
            delete_profile(unit, profile)
            audit(unit, visitor.person, "profile_deleted", profile, {}, aldea.clock.wall_ms())
    except RegisterConflictError as error:
        raise Problem(409, sentence(error)) from error


@router.post("/profiles/{profile}/sites", summary="Give sites a profile", responses=CHANGING)
def put_sites(aldea: Aldea, visitor: SignedIn, profile: str, wish: SitesWish) -> AssignedDocument:
    """Give sites this profile in place of the one they had. Nothing is sent."""
    with aldea.register.reading() as unit:
        existing(unit, profile)
    return AssignedDocument(changed=assign(aldea, visitor, profile, wish.sites))


@router.get("/profiles/{profile}/devices", summary="How a profile's devices stand", responses=SITE_RESPONSES)
def devices(
    aldea: Aldea,
    visitor: SignedIn,
    profile: str,
    after: Annotated[str | None, Query(max_length=80, description="`next` of the page before")] = None,
) -> DeviceSettingsListDocument:
    """List the devices of a profile's sites with what would change at each."""
    with aldea.register.reading() as unit:
        existing(unit, profile)
        found = managed_settings(aldea, unit, visitor, profile)
    behind = [item for item in found if after is None or (item.site, item.device) > _name(after)]
    more = f"{behind[PAGE - 1].site}/{behind[PAGE - 1].device}" if len(behind) > PAGE else None
    return DeviceSettingsListDocument(items=[_device(item) for item in behind[:PAGE]], next=more, seen=looked_at(found))


@router.post("/profiles/{profile}/send", summary="Send a profile to its devices", responses=CHANGING)
def send_profile(aldea: Aldea, visitor: SignedIn, profile: str, wish: SendWish) -> SentDocument:
    """Send chosen devices, or all, what they are to run with, a thousand a request; those that have it nothing."""
    only = None if wish.devices is None else [(item.site, item.device) for item in wish.devices]
    done = send(aldea, visitor, profile, only, again=wish.again, leads=wish.leads, seen=wish.seen)
    return SentDocument(sent=done.sent, left=done.left)


@router.get("/sites/{site}/devices/{device}/settings", summary="A device's settings", responses=SITE_RESPONSES)
def device_settings(aldea: Aldea, visitor: SignedIn, site: str, device: str) -> DeviceSettingsDocument:
    """Return what a device is to run with, and what it has answered."""
    with aldea.register.reading() as unit:
        return _device(managed_device(aldea, unit, visitor, site, device))


@router.put("/sites/{site}/devices/{device}/settings", summary="Change what differs at a device", responses=CHANGING)
def put_device(
    aldea: Aldea, visitor: SignedIn, site: str, device: str, wish: DifferencesWish
) -> DeviceSettingsDocument:
    """Say what differs at a device from its site's profile. Nothing is sent."""
    return _device(change_device(aldea, visitor, (site, device), DeviceWish(wish.differences, wish.revision)))


@router.post("/sites/{site}/devices/{device}/settings/send", summary="Send a device its settings", responses=CHANGING)
def send_device(aldea: Aldea, visitor: SignedIn, site: str, device: str, wish: SendOneWish) -> SentDocument:
    """Send a device what it is to run with, unless it runs with it."""
    sent = send_one(aldea, visitor, (site, device), again=wish.again, leads=wish.leads, seen=wish.seen)
    return SentDocument(sent=int(sent), left=0)


def _name(after: str) -> tuple[str, str]:
    site, _, device = after.partition("/")
    return site, device


def _profile(item: Profile) -> ProfileDocument:
    return ProfileDocument(
        id=item.id,
        name=item.name,
        document=dict(item.document),
        revision=item.revision,
        changed_by=item.changed_by,
        changed=str(iso(item.changed_ms)),
        sites=item.sites,
    )


def _device(item: DeviceSettings) -> DeviceSettingsDocument:
    last = item.last
    return DeviceSettingsDocument(
        site=item.site,
        device=item.device,
        profile=item.profile,
        differences=dict(item.differences),
        revision=item.revision,
        overlay=dict(item.overlay),
        standing=item.standing.value,
        changes=item.changes,
        held_revision=item.held_revision,
        command=None if last is None else last.id,
        state=None if last is None else last.state.value,
        answer={} if last is None else dict(last.answer),
        seen=looked_at([item]),
    )
