"""Devices at the sites. History belongs to the site: a box comes, goes, and is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select, update

from aldea.model.said import Said
from aldea.model.sample import is_id
from aldea.storage.register.dated import end_entry, put_entry
from aldea.storage.register.encoding import plain
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.facts import fact_at, lock_site
from aldea.storage.register.register import Unit
from aldea.storage.register.settings import bump_registry_version, registry_version
from aldea.storage.register.tables import device, site, site_fact

PRIMARY_FACT = "primary_device"


@dataclass(frozen=True, slots=True)
class Device:
    """A thing at a site. `sees` says what it can see there: `wan_bytes`, `clients`, `power` → true or false.

    `is_primary`: its rows decide whether the site is up. Which device was primary when is a dated fact.
    """

    site: str
    id: str
    kind: str
    enrolled_at_ms: int
    is_primary: bool = True
    sees: Mapping[str, bool] = field(default_factory=dict)
    retired_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """What the collector needs to know of a device when its data arrives."""

    site: str
    device: str
    is_primary: bool
    simulated: bool
    timezone: str
    retired_at_ms: int | None


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """Every device of every site by (site, device), as of one version of the list."""

    version: int
    devices: Mapping[tuple[str, str], KnownDevice]


def enrol_device(unit: Unit, new: Device) -> None:
    """Add a device to its site; a primary one takes over from the one before.

    Raises UnknownEntryError for an unknown site, RegisterConflictError for an id that the site already uses.
    """
    columns = device_columns(new)
    lock_site(unit, new.site)
    if find_device(unit, new.site, new.id) is not None:
        raise RegisterConflictError(
            Said(
                f"site {new.site!r} already has a device {new.id!r}: choose another id",
                f"el sitio {new.site!r} ya tiene un equipo {new.id!r}: hay que elegir otra clave",
            )
        )
    unit.connection.execute(insert(device).values(**columns, is_primary=False))
    if new.is_primary:
        set_primary(unit, new.site, new.id, new.enrolled_at_ms)
    bump_registry_version(unit)


def set_primary(unit: Unit, site_id: str, device_id: str, from_ms: int) -> None:
    """Let this device's rows decide about the site from `from_ms` on."""
    lock_site(unit, site_id)
    _existing(unit, site_id, device_id)
    mine = device.c.site == site_id
    unit.connection.execute(update(device).where(mine, device.c.is_primary).values(is_primary=False))
    unit.connection.execute(update(device).where(mine, device.c.id == device_id).values(is_primary=True))
    key = {"site": site_id, "fact": PRIMARY_FACT, "item": ""}
    put_entry(unit, site_fact, key, {"value": device_id, "value_text": device_id}, from_ms)
    bump_registry_version(unit)


def retire_device(unit: Unit, site_id: str, device_id: str, at_ms: int) -> None:
    """Note that the device is gone since `at_ms`; what it measured stays the site's."""
    lock_site(unit, site_id)
    found = _existing(unit, site_id, device_id)
    unit.connection.execute(
        update(device)
        .where(device.c.site == site_id, device.c.id == device_id)
        .values(retired_at_ms=at_ms, is_primary=False)
    )
    if found.is_primary:
        end_entry(unit, site_fact, {"site": site_id, "fact": PRIMARY_FACT, "item": ""}, at_ms)
    bump_registry_version(unit)


def reinstate_device(unit: Unit, site_id: str, device_id: str, at_ms: int) -> None:
    """Let a retired device work again; it becomes the site's primary one if the site has none."""
    lock_site(unit, site_id)
    _existing(unit, site_id, device_id)
    mine = (device.c.site == site_id, device.c.id == device_id)
    unit.connection.execute(update(device).where(*mine).values(retired_at_ms=None))
    primary = select(device.c.id).where(device.c.site == site_id, device.c.is_primary)
    if unit.connection.execute(primary).first() is None:
        set_primary(unit, site_id, device_id, at_ms)
    bump_registry_version(unit)


def set_sees(unit: Unit, site_id: str, device_id: str, sees: Mapping[str, bool]) -> None:
    """Replace what the device is recorded to see."""
    _existing(unit, site_id, device_id)
    mine = (device.c.site == site_id, device.c.id == device_id)
    unit.connection.execute(update(device).where(*mine).values(sees=plain(dict(sees))))
    bump_registry_version(unit)


def find_device(unit: Unit, site_id: str, device_id: str) -> Device | None:
    """Return one device, or None."""
    mine = (device.c.site == site_id, device.c.id == device_id)
    row = unit.connection.execute(select(device).where(*mine)).first()
    return None if row is None else _device(row)


def devices_of(unit: Unit, site_id: str) -> tuple[Device, ...]:
    """Return the site's devices, retired ones too, in the order they were enrolled."""
    mine = select(device).where(device.c.site == site_id).order_by(device.c.enrolled_at_ms, device.c.id)
    return tuple(_device(row) for row in unit.connection.execute(mine))


def primary_at(unit: Unit, site_id: str, at_ms: int) -> str | None:
    """Return the id of the device whose rows decided about the site at `at_ms`."""
    found = fact_at(unit, site_id, PRIMARY_FACT, at_ms)
    return None if found is None else str(found)


def known_devices(unit: Unit) -> KnownDevices:
    """Return every device with what the collector needs; compare `registry_version` to notice changes."""
    version = registry_version(unit)
    wanted = select(
        device.c.site,
        device.c.id,
        device.c.is_primary,
        site.c.simulated,
        site.c.timezone,
        device.c.retired_at_ms,
    ).join(site, site.c.id == device.c.site)
    return KnownDevices(version, {(row[0], row[1]): KnownDevice(*row) for row in unit.connection.execute(wanted)})


def device_columns(new: Device) -> dict[str, Any]:
    """Return the device's columns but `is_primary`, after checking it."""
    if not is_id(new.id):
        raise RegisterError(
            Said(
                f"device {new.id[:60]!r} of site {new.site[:60]!r} must be 1 to 39 of a-z, 0-9 and -, "
                "not starting with -",
                f"el equipo {new.id[:60]!r} del sitio {new.site[:60]!r} debe tener de 1 a 39 "
                "caracteres de a-z, 0-9 y -, sin empezar con -",
            )
        )
    return {
        "site": new.site,
        "id": new.id,
        "kind": new.kind,
        "sees": plain(dict(new.sees)),
        "enrolled_at_ms": new.enrolled_at_ms,
        "retired_at_ms": new.retired_at_ms,
    }


def _existing(unit: Unit, site_id: str, device_id: str) -> Device:
    found = find_device(unit, site_id, device_id)
    if found is None:
        raise UnknownEntryError(
            Said(
                f"site {site_id!r} has no device {device_id!r}: enrol it first",
                f"el sitio {site_id!r} no tiene el equipo {device_id!r}: primero hay que inscribirlo",
            )
        )
    return found


def _device(row: Row[Any]) -> Device:
    return Device(
        site=row.site,
        id=row.id,
        kind=row.kind,
        enrolled_at_ms=row.enrolled_at_ms,
        is_primary=row.is_primary,
        sees=row.sees,
        retired_at_ms=row.retired_at_ms,
    )
