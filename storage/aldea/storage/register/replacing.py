"""A device that is dead, lost or stolen: its access ends, its place and what it measured stay the site's."""

from __future__ import annotations

from dataclasses import dataclass

from aldea.model.said import Said
from aldea.storage.register.credentials import credentials_of, device_username, revoke_credential
from aldea.storage.register.devices import Device, devices_of, find_device
from aldea.storage.register.enrolment import (
    DEFAULT_HOURS,
    Code,
    PendingCode,
    issue_code,
    pending_codes,
    withdraw_codes,
)
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.streams import give_up_streams


@dataclass(frozen=True, slots=True)
class DeviceAccess:
    """A device and how it gets in: since when it has a credential, or which code waits for it."""

    device: Device
    credential_ms: int | None
    code: PendingCode | None


def device_access(unit: Unit, site: str, at_ms: int) -> tuple[DeviceAccess, ...]:
    """Return the site's devices with their access."""
    valid = {item.device: item.created_ms for item in credentials_of(unit, site) if item.revoked_ms is None}
    codes = {code.device: code for code in pending_codes(unit, site, at_ms)}
    return tuple(DeviceAccess(item, valid.get(item.id), codes.get(item.id)) for item in devices_of(unit, site))


def replace_device(
    unit: Unit,
    site: str,
    device: str | None,
    at_ms: int,
    author: str,
    hours: float = DEFAULT_HOURS,
    *,
    disk_lost: bool = False,
) -> Code:
    """End a device's access and return a code for the box or card that takes its place.

    `device` None: the site's primary one. The device stays what it was, primary too; the new card begins an outbox of
    its own (another epoch), which is accepted like any other. `disk_lost`: the old disk will not be at hand, so what it
    had not delivered is counted as lost; else it stays open until it has been taken over, or is too old.
    Raises UnknownEntryError, RegisterError.
    """
    chosen = device if device is not None else _primary(unit, site)
    if find_device(unit, site, chosen) is None:
        raise _no_device(unit, site, chosen)
    code = issue_code(unit, site, chosen, at_ms, author, hours)
    revoke_credential(unit, device_username(site, chosen), at_ms)
    if disk_lost:
        give_up_streams(unit, site, chosen)
    return code


def revoke_device(unit: Unit, site: str, device: str, at_ms: int) -> bool:
    """End a device's access and the codes that wait for it; say whether there was any. It stays registered."""
    if find_device(unit, site, device) is None:
        raise _no_device(unit, site, device)
    withdrawn = withdraw_codes(unit, site, device, at_ms)
    return revoke_credential(unit, device_username(site, device), at_ms) or withdrawn > 0


def _primary(unit: Unit, site: str) -> str:
    devices = devices_of(unit, site)
    found = [item.id for item in devices if item.is_primary] or [
        item.id for item in devices if item.retired_at_ms is None
    ]
    if len(found) != 1:
        listed = _listed(unit, site)
        raise RegisterError(
            Said(
                f"site {site!r} has {listed}: say which one with --device",
                f"el sitio {site!r} tiene {listed.es}: decir cuál con --device",
            )
        )
    return found[0]


def _no_device(unit: Unit, site: str, device: str) -> UnknownEntryError:
    listed = _listed(unit, site)
    return UnknownEntryError(
        Said(
            f"site {site!r} has no device {device!r}: it has {listed}",
            f"el sitio {site!r} no tiene el equipo {device!r}: tiene {listed.es}",
        )
    )


def _listed(unit: Unit, site: str) -> Said:
    ids = ", ".join(item.id for item in devices_of(unit, site))
    return Said(ids, ids) if ids else Said("no device", "ningún equipo")
