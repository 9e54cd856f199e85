"""Sending agents what they are to run with: as it was looked at, confirmed where they are led elsewhere, audited."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.problems import Problem, sentence
from aldea.dashboard_api.settings_faults import known_keys
from aldea.dashboard_api.settings_moves import led, note_led, refuse_unconfirmed
from aldea.dashboard_api.settings_view import existing, managed_device, managed_settings
from aldea.dashboard_api.words import said
from aldea.storage.register.audit import audit
from aldea.storage.register.device_overlays import DeviceSettings
from aldea.storage.register.device_settings import looked_at, send_settings, send_to_all
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.register import Unit

MOST_SENT = 1_000
"""So many devices are sent to by one request: whoever waits for its answer waits seconds, not minutes."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How many devices were sent something, and how many of those that were asked for are still to be sent to."""

    sent: int
    left: int


def send(
    aldea: Context,
    visitor: Visitor,
    profile: str,
    only: Collection[tuple[str, str]] | None,
    *,
    again: bool,
    leads: bool = False,
    seen: str | None = None,
) -> Sending:
    """Send a profile's devices (None: all) what they are to run with, a thousand at the most.

    `leads`: it is confirmed that some are led elsewhere; `seen` is what was looked at (`looked_at`). Raises Problem:
    404 for a device that is not among those the visitor manages, 400 for one that takes none, 403 and 409 for those
    that would send elsewhere, 409 where somebody else has changed something meanwhile.
    """
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        existing(unit, profile)
        there = {(item.site, item.device): item for item in managed_settings(aldea, unit, visitor, profile)}
    _refuse_unseen(there.values(), seen)
    chosen = there.keys() if only is None else set(only)
    if missing := sorted(chosen - there.keys()):
        named = f"{missing[0][0][:39]}/{missing[0][1][:39]}"
        raise Problem(404, said("%(device)s is no device of this profile here.", device=named))
    due = [there[one] for one in sorted(chosen) if there[one].is_due(again=again)]
    refuse_unconfirmed(visitor, due[:MOST_SENT], confirmed=leads)

    def note(unit: Unit, some: Sequence[DeviceSettings]) -> None:
        note_led(unit, visitor.person, led(some), now)
        audit(unit, visitor.person, "settings_sent", profile, {"devices": len(some)}, now)

    try:
        sent = send_to_all(
            aldea.register, due[:MOST_SENT], known_keys(aldea), now, visitor.label, again=again, note=note
        )
    except RegisterConflictError as error:
        raise Problem(409, sentence(error)) from error
    except RegisterError as error:
        raise Problem(400, sentence(error)) from error
    return Sending(sent, len(due[MOST_SENT:]))


def _refuse_unseen(devices: Iterable[DeviceSettings], seen: str | None) -> None:
    """Raise Problem (409) where the settings are others than those that were looked at."""
    if seen is not None and seen != looked_at(devices):
        raise Problem(409, said("The settings were changed meanwhile: look at what would be sent, and send again."))


def send_one(
    aldea: Context,
    visitor: Visitor,
    one: tuple[str, str],
    *,
    again: bool,
    leads: bool = False,
    seen: str | None = None,
) -> bool:
    """Send a device (site, device) what it is to run with; say whether anything was sent.

    `leads`: it is confirmed that it is led elsewhere; `seen` is what was looked at (`looked_at`). Raises Problem: 400,
    404; 403 and 409 where it would be led elsewhere, 409 where somebody else has changed something meanwhile.
    """
    now = aldea.clock.wall_ms()
    try:
        with aldea.register.transaction() as unit:
            found = managed_device(aldea, unit, visitor, *one)
            _refuse_unseen([found], seen)
            elsewhere = refuse_unconfirmed(visitor, [found] if found.is_due(again=again) else [], confirmed=leads)
            keys = known_keys(aldea)
            sent = send_settings(unit, *one, keys, now, visitor.label, again=again, seen=found.overlay)
            if sent is not None:
                note_led(unit, visitor.person, elsewhere, now)
                audit(unit, visitor.person, "settings_sent", "/".join(one), {"command": sent.id}, now)
    except RegisterConflictError as error:
        raise Problem(409, sentence(error)) from error
    except RegisterError as error:
        raise Problem(400, sentence(error)) from error
    return sent is not None
