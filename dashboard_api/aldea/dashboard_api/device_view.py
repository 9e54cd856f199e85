"""A device that is operated from afar: who may, and what is asked of it. For the API and the pages alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.problems import Fault, Problem, bad_request, sentence
from aldea.dashboard_api.words import said
from aldea.model.liveness import SiteState, site_state
from aldea.model.sample import is_id
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.commands import (
    DeviceCommand,
    cancel_command,
    find_command,
    queue_command,
)
from aldea.storage.register.devices import Device, find_device
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site
from aldea.storage.register.status import Presence, SiteStatus, find_status

TEST, DIAGNOSTICS = "test", "diagnostics"
ASKED_BY_HAND = (TEST, DIAGNOSTICS)
"""What whoever looks after a site may ask of its box. Settings and upgrades have ways of their own."""

PROBES = ("ping", "dns", "http", "throughput", "interfaces", "host", "snmp", "clients", "power", "budget")
HOUR_MS = 3_600_000
DEFAULT_HOURS: Mapping[str, int] = {TEST: 24, DIAGNOSTICS: 7 * 24}


@dataclass(frozen=True, slots=True)
class Box:
    """A device with its site and how it was last heard."""

    site: Site
    device: Device
    status: SiteStatus
    state: SiteState

    @property
    def is_silent(self) -> bool:
        """Whether a command would have to wait: the device is not connected, as far as is known."""
        return self.status.presence is not Presence.ONLINE


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a device. `hours`: how long it may wait; `command`: an id of the asker's own."""

    kind: str
    payload: Mapping[str, Any]
    hours: float | None = None
    command: str | None = None


def commanded(unit: Unit, visitor: Visitor, site: str, device: str, at_ms: int) -> Box:
    """Return a device that the visitor may ask something of. Raises Problem (404) for any other."""
    place = find_site(unit, site) if is_id(site) else None
    found = find_device(unit, site, device) if place is not None and is_id(device) else None
    if place is None or found is None or not can_write(unit, visitor, Permission.ACKNOWLEDGE, site, at_ms):
        raise Problem(404, f"There is no device {device[:60]!r} of a site {site[:60]!r} that you look after.")
    none = SiteStatus(site, device)
    status = next((one for one in find_status(unit, site) if one.device == device), none)
    online = None if status.presence is Presence.UNKNOWN else status.presence is Presence.ONLINE
    interval = None if status.interval_seconds is None else max(1, round(status.interval_seconds))
    return Box(place, found, status, site_state(at_ms, status.last_arrival_ms, interval, online=online))


def manages(unit: Unit, visitor: Visitor, box: Box, at_ms: int) -> bool:
    """Say whether the visitor may change the box's settings, and so read what is sent to it."""
    return can_write(unit, visitor, Permission.MANAGE_SITES, box.site.id, at_ms)


def ask(unit: Unit, visitor: Visitor, box: Box, asked: Asked, now_ms: int) -> DeviceCommand:
    """Queue a command by hand. Raises Problem (400) with a sentence for one that can't be."""
    faults = _faults(asked)
    if faults:
        raise bad_request(faults)
    until = now_ms + round((DEFAULT_HOURS[asked.kind] if asked.hours is None else asked.hours) * HOUR_MS)
    site, device = box.site.id, box.device.id
    try:
        made = queue_command(
            unit, site, device, asked.kind, asked.payload, now_ms, until, visitor.label, id=asked.command
        )
    except RegisterError as error:
        raise bad_request([Fault("command", sentence(error))]) from error
    detail = {"kind": asked.kind, "command": made.id}
    audit(unit, visitor.person, "command_asked", f"{site}/{device}", detail, now_ms)
    return made


def own_command(unit: Unit, box: Box, command_id: str) -> DeviceCommand:
    """Return a command of this device. Raises Problem (404)."""
    found = find_command(unit, command_id)
    if found is None or (found.site, found.device) != (box.site.id, box.device.id):
        raise Problem(404, said("There is no command %(command)s of this device.", command=repr(command_id[:64])))
    return found


def cancel(unit: Unit, visitor: Visitor, box: Box, command_id: str, now_ms: int) -> DeviceCommand:
    """Stop a command that the device does not have yet. Raises Problem (404, 409)."""
    found = own_command(unit, box, command_id)
    if found.kind not in ASKED_BY_HAND and not manages(unit, visitor, box, now_ms):
        raise Problem(403, said("Your role may cancel tests and diagnostics: ask an operator about the others."))
    try:
        made = cancel_command(unit, command_id, now_ms, visitor.label)
    except RegisterError as error:
        raise Problem(409, sentence(error)) from error
    subject = f"{box.site.id}/{box.device.id}"
    audit(unit, visitor.person, "command_cancelled", subject, {"kind": found.kind, "command": found.id}, now_ms)
    return made


def _faults(asked: Asked) -> list[Fault]:
    if asked.kind not in ASKED_BY_HAND:
        return [Fault("kind", said("kind is %(kind)s: use test or diagnostics.", kind=repr(asked.kind[:40])))]
    wrong = []
    probe = asked.payload.get("probe")
    if asked.kind == TEST and probe not in PROBES:
        known = ", ".join(PROBES)
        wrong.append(
            Fault(
                "probe", said("probe is %(probe)s: use one of %(probes)s.", probe=repr(str(probe)[:40]), probes=known)
            )
        )
    if asked.hours is not None and not 0.02 <= asked.hours <= 24 * 90:
        wrong.append(Fault("hours", said("hours says how long it may wait: from 0.02 to 2160.")))
    return wrong
