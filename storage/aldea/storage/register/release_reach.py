"""Who a release would reach, before anybody is asked: who lacks it, who is away, and who knows no key for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select

from aldea.model.rollouts import Key, Progress, Rollout, RolloutState
from aldea.model.rollouts.states import AWAY_MS
from aldea.model.said import Said
from aldea.storage.register.credentials import valid_credentials
from aldea.storage.register.errors import UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.releases import find_release, trusted_since_ms
from aldea.storage.register.rollout_devices import device_views
from aldea.storage.register.tables import rollout_device


@dataclass(frozen=True, slots=True)
class Reach:
    """Devices by what would become of them. `keyless` are among `behind` too; they would refuse the release."""

    behind: tuple[Key, ...]
    have_it: tuple[Key, ...]
    away: tuple[Key, ...]
    unknown: tuple[Key, ...]
    keyless: tuple[Key, ...]


def reach_of(unit: Unit, version: str, now_ms: int) -> Reach:
    """Return who a release would reach. Raises UnknownEntryError where there is no such release."""
    found = find_release(unit, version)
    if found is None:
        raise UnknownEntryError(
            Said(
                f"there is no release {version[:40]!r}: aldea release list shows them all",
                f"no hay ninguna versión {version[:40]!r}: aldea release list muestra todas",
            )
        )
    manifest = found.release.manifest
    rollout = Rollout(version, RolloutState.RUNNING, 0, now_ms)
    rollout = replace(rollout, downgrade=manifest.downgrade, replaces=manifest.replaces)
    views = device_views(unit, 0)
    behind = {view.key for view in views if view.version is not None and rollout.is_behind(view.version)}
    away = {view.key for view in views if view.heard_ms is None or now_ms - view.heard_ms >= AWAY_MS}
    return Reach(
        behind=tuple(view.key for view in views if view.key in behind),
        have_it=tuple(view.key for view in views if view.version is not None and view.key not in behind),
        away=tuple(view.key for view in views if view.key in behind & away),
        unknown=tuple(view.key for view in views if view.version is None),
        keyless=tuple(key for key in without_key(unit) if key in behind),
    )


def without_key(unit: Unit) -> tuple[Key, ...]:
    """Return the real agents that enrolled before a key was trusted, and those that have said that they know none.

    A device that has confirmed a release since it enrolled has been given one at the device, and is not among them.
    """
    enrolled = {
        (item.site, item.device): item.created_ms
        for item in valid_credentials(unit)
        if item.site is not None and item.device is not None
    }
    since_ms = trusted_since_ms(unit)
    table = rollout_device.c
    said: dict[Key, str] = {}
    for row in unit.connection.execute(select(rollout_device).order_by(table.ended_ms)):
        key = (row.site, row.device)
        if row.ended_ms is not None and row.ended_ms >= enrolled.get(key, 0):
            said[key] = row.progress
    views = [view.key for view in device_views(unit, 0) if view.key in enrolled]
    return tuple(key for key in views if _lacks(said.get(key), enrolled[key], since_ms))


def _lacks(said: str | None, enrolled_ms: int, since_ms: int | None) -> bool:
    if said == Progress.NO_KEY:
        return True
    return said != Progress.CONFIRMED and (since_ms is None or enrolled_ms < since_ms)
