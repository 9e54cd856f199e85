"""Settings of agents, as the API and the pages share them: who may change what, and whether it can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write, visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.problems import Problem, sentence
from aldea.dashboard_api.settings_faults import known_keys, refuse_faults
from aldea.dashboard_api.settings_moves import refuse_leading
from aldea.dashboard_api.words import said
from aldea.model.overlays import merged
from aldea.model.said import Said
from aldea.storage.register.audit import audit
from aldea.storage.register.device_overlays import DeviceSettings, Standing, device_settings_of, settings_of
from aldea.storage.register.device_settings import set_differences
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.profiles import (
    PastDocument,
    Profile,
    add_profile,
    assign_profile,
    change_profile,
    clean_document,
    find_profile,
    history_of,
)
from aldea.storage.register.register import Unit

MANAGE = Permission.MANAGE_SITES


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What is to differ at a device, as somebody wants it; `seen` is the revision that was looked at, None for any.

    `profile` is the site's, where `sets_profile` says that it is chosen too.
    """

    differences: Mapping[str, Any]
    seen: int | None = None
    profile: str | None = None
    sets_profile: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """A profile as somebody wants it. `revision` is the one that was looked at, None for a new profile."""

    id: str
    name: str
    document: Mapping[str, Any]
    revision: int | None = None


def save_profile(aldea: Context, visitor: Visitor, wish: Wish) -> Profile:
    """Add or change a profile. Raises Problem: 400 for what can't be, 403, 404, 409 where it was changed meanwhile."""
    if not visitor.everywhere(MANAGE):
        raise Problem(403, not_everywhere())
    refuse_faults(aldea, wish.document)
    now = aldea.clock.wall_ms()
    new = Profile(wish.id, wish.name, wish.document, wish.revision or 1, visitor.label, now)
    try:
        with aldea.register.transaction() as unit:
            before = find_profile(unit, wish.id)
            refuse_leading(visitor, {} if before is None else before.document, wish.document)
            if wish.revision is None:
                made = add_profile(unit, new)
            else:
                existing(unit, wish.id)
                made = change_profile(unit, new)
            what = "profile_added" if wish.revision is None else "profile_changed"
            audit(unit, visitor.person, what, made.id, {"revision": made.revision}, now)
    except RegisterConflictError as error:
        raise Problem(409, sentence(error)) from error
    except RegisterError as error:
        raise Problem(400, sentence(error)) from error
    return made


def not_everywhere() -> Said:
    """Return why: somebody manages sites of some places alone."""
    return said("A profile holds for sites everywhere: ask somebody who may manage all sites.")


def existing(unit: Unit, profile: str) -> Profile:
    """Return a profile. Raises Problem (404)."""
    found = find_profile(unit, profile)
    if found is None:
        raise Problem(404, said("There is no profile %(profile)s here.", profile=repr(profile[:39])))
    return found


def earlier(unit: Unit, subject: str, revision: str) -> PastDocument:
    """Return what a profile or a device's differences said at a revision. Raises Problem (404)."""
    found = next((item for item in history_of(unit, subject) if str(item.revision) == revision), None)
    if found is None:
        raise Problem(404, said("That revision is not kept any more."))
    return found


def managed_device(aldea: Context, unit: Unit, visitor: Visitor, site: str, device: str) -> DeviceSettings:
    """Return the settings of a device whose site the visitor manages. Raises Problem (404) for any other."""
    now = aldea.clock.wall_ms()
    if can_write(unit, visitor, MANAGE, site, now):
        try:
            return device_settings_of(unit, site, device, known_keys(aldea), now)
        except RegisterError:
            pass
    raise Problem(404, said("There is no agent %(agent)s here that you may set.", agent=repr(f"{site}/{device}"[:80])))


def managed_settings(aldea: Context, unit: Unit, visitor: Visitor, profile: str) -> list[DeviceSettings]:
    """Return the settings of a profile's devices at the sites that the visitor manages."""
    now = aldea.clock.wall_ms()
    mine = visible_sites(unit, visitor, now, MANAGE)
    found = settings_of(unit, known_keys(aldea), now, profile=profile)
    return [item for item in found if mine is None or item.site in mine]


def assign(aldea: Context, visitor: Visitor, profile: str | None, sites: Iterable[str]) -> int:
    """Give sites a profile, or none; return for how many that is new.

    Raises Problem: 404 for a site that the visitor doesn't manage, 400 for one that can't have a profile.
    """
    now, chosen = aldea.clock.wall_ms(), sorted(set(sites))
    try:
        with aldea.register.transaction() as unit:
            return _assigned(unit, visitor, profile, chosen, now)
    except RegisterError as error:
        raise Problem(400, sentence(error)) from error


def _assigned(unit: Unit, visitor: Visitor, profile: str | None, chosen: Sequence[str], now_ms: int) -> int:
    mine = visible_sites(unit, visitor, now_ms, MANAGE)
    foreign = [site for site in chosen if mine is not None and site not in mine]
    if foreign:
        raise Problem(404, said("There is no site %(site)s here that you may manage.", site=repr(foreign[0][:60])))
    changed = assign_profile(unit, chosen, profile)
    detail = {"profile": profile, "sites": chosen[:50], "count": changed}
    audit(unit, visitor.person, "profile_assigned", profile or "", detail, now_ms)
    return changed


def change_device(aldea: Context, visitor: Visitor, one: tuple[str, str], wish: DeviceWish) -> DeviceSettings:
    """Say what differs at a device (site, device), all of it or nothing; return how it stands then. Nothing is sent.

    Raises Problem: 400 for what can't be, 404, 409 where it was changed meanwhile.
    """
    now = aldea.clock.wall_ms()
    try:
        with aldea.register.transaction() as unit:
            before = managed_device(aldea, unit, visitor, *one)
            if wish.sets_profile and wish.profile != before.profile:
                _assigned(unit, visitor, wish.profile, one[:1], now)
                before = managed_device(aldea, unit, visitor, *one)
            refuse_faults(aldea, merged(before.profile_document, clean_document(wish.differences)))
            refuse_leading(visitor, before.differences, wish.differences)
            revision = set_differences(unit, *one, wish.differences, visitor.label, now, seen=wish.seen)
            audit(unit, visitor.person, "device_settings_changed", "/".join(one), {"revision": revision}, now)
            return managed_device(aldea, unit, visitor, *one)
    except RegisterConflictError as error:
        raise Problem(409, sentence(error)) from error
    except RegisterError as error:
        raise Problem(400, sentence(error)) from error


def tally(items: Sequence[DeviceSettings]) -> dict[Standing, int]:
    """Return how many devices stand how, every standing named."""
    counted = Counter(item.standing for item in items)
    return {standing: counted[standing] for standing in Standing}
