"""Where boxes send to: whoever changes that could lead them away, with the log-in they have for the broker.

So it is an administrator's alone, it is confirmed with the boxes named, and it stands in the audit log by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.words import said
from aldea.model.leading import LEADS, is_led, leads_to
from aldea.model.overlays import changed_keys
from aldea.storage.register.audit import audit
from aldea.storage.register.device_overlays import DeviceSettings
from aldea.storage.register.register import Unit

NAMED = 50
"""So many boxes are named in a sentence, and in the audit log."""


def may_lead(visitor: Visitor) -> bool:
    """Whether the visitor may say where boxes send to."""
    return visitor.everywhere(Permission.ADMINISTER)


def refuse_leading(visitor: Visitor, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Say whether a document changes where boxes send to. Raises Problem (403) for whoever may not change that."""
    if not is_led(changed_keys(before, after)):
        return False
    if not may_lead(visitor):
        raise Problem(
            403,
            said(
                "Where boxes send to (%(keys)s) is for administrators to change: leave it as it is.",
                keys=", ".join(LEADS),
            ),
        )
    return True


def led(devices: Iterable[DeviceSettings]) -> list[DeviceSettings]:
    """Return those that would send elsewhere."""
    return [item for item in devices if is_led(item.changes)]


def refuse_unconfirmed(visitor: Visitor, devices: Iterable[DeviceSettings], *, confirmed: bool) -> list[DeviceSettings]:
    """Return the boxes that would send elsewhere.

    Raises Problem: 403 for whoever may not lead them there, 409 where it was not confirmed.
    """
    found = led(devices)
    if not found:
        return found
    boxes = named(found)
    if not may_lead(visitor):
        raise Problem(
            403,
            said("These boxes would send elsewhere, which is for administrators to decide: %(boxes)s.", boxes=boxes),
        )
    if not confirmed:
        raise Problem(
            409,
            said("These boxes would send elsewhere: %(boxes)s. Confirm that it is meant, and send again.", boxes=boxes),
        )
    return found


def note_led(unit: Unit, person: str | None, found: Sequence[DeviceSettings], now_ms: int, by: str = "") -> None:
    """Write down which boxes were led where, by a person or else `by` what; nothing for none."""
    if not found:
        return
    places = "; ".join(sorted({leads_to(item.overlay) for item in found})[:NAMED])
    detail = {"leads_to": places, "devices": [f"{item.site}/{item.device}" for item in found[:NAMED]]}
    more = {"by": by} if by else {}
    audit(unit, person, "boxes_led", places[:120], {**detail, **more, "count": len(found)}, now_ms)


def named(found: Sequence[DeviceSettings]) -> str:
    """Return boxes by name, and where each would send."""
    names = [f"{item.site}/{item.device} ({leads_to(item.overlay)})" for item in found[:NAMED]]
    more = [f"+{len(found) - NAMED}"] if len(found) > NAMED else []
    return ", ".join([*names, *more])
