"""Sites and their dated states."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Row, func, insert, select, update

from aldea.model.said import Said
from aldea.model.sample import is_id
from aldea.storage.register.dated import holds_at, put_entry
from aldea.storage.register.devices import PRIMARY_FACT, Device, device_columns
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.facts import NewFact, fact_columns, lock_site
from aldea.storage.register.register import Unit
from aldea.storage.register.settings import bump_registry_version
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import (
    device,
    site,
    site_fact,
    site_state,
)


class SiteState(StrEnum):
    """Where a site is in its life."""

    PLANNED = "planned"
    COMMISSIONED = "commissioned"
    SUSPENDED = "suspended"
    MOVED = "moved"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Site:
    """A monitored place. `timezone` is an IANA name; coordinates are degrees, WGS 84."""

    id: str
    name: str
    timezone: str
    created_at_ms: int
    simulated: bool = False
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """A new site with all that is known at the start; state and facts hold from `from_ms` on."""

    site: Site
    from_ms: int
    state: SiteState = SiteState.PLANNED
    facts: tuple[NewFact, ...] = ()
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A state and the time it held; `valid_to_ms` None: still."""

    state: SiteState
    valid_from_ms: int
    valid_to_ms: int | None


def add_sites(unit: Unit, entries: Sequence[SiteEntry]) -> None:
    """Register new sites with their states, facts and devices, all or none.

    Raises RegisterError for a value that can't be (the sentence names site and field), RegisterConflictError
    for an id that is taken.
    """
    if not entries:
        return
    _refuse_taken(unit, [entry.site.id for entry in entries])
    execute = unit.connection.execute
    execute(insert(site), [_columns(entry.site) for entry in entries])
    execute(insert(site_state), [_first_state(entry) for entry in entries])
    if facts := [row for entry in entries for row in _first_facts(entry)]:
        execute(insert(site_fact), facts)
    if devices := [row for entry in entries for row in _first_devices(entry)]:
        execute(insert(device), devices)
    bump_registry_version(unit)


def update_site(unit: Unit, changed: Site) -> None:
    """Change a site's name, time zone or coordinates. What it is (simulated or real) never changes."""
    columns = _columns(changed)
    lock_site(unit, changed.id)
    del columns["simulated"], columns["created_at_ms"]
    unit.connection.execute(update(site).where(site.c.id == changed.id).values(**columns))
    bump_registry_version(unit)


def set_state(unit: Unit, site_id: str, state: SiteState, from_ms: int) -> bool:
    """Let the site be in `state` from `from_ms` on; say whether that changed anything."""
    lock_site(unit, site_id)
    changed = put_entry(unit, site_state, {"site": site_id}, {"state": state.value}, from_ms)
    if changed:
        bump_registry_version(unit)
    return changed


def state_at(unit: Unit, site_id: str, at_ms: int) -> SiteState | None:
    """Return the site's state at `at_ms`, None before anything was recorded."""
    wanted = select(site_state.c.state).where(site_state.c.site == site_id, holds_at(site_state, at_ms))
    found = unit.connection.execute(wanted).scalar_one_or_none()
    return None if found is None else SiteState(found)


def state_history(unit: Unit, site_id: str) -> tuple[StateSpan, ...]:
    """Return the site's states, oldest first."""
    wanted = select(site_state).where(site_state.c.site == site_id).order_by(site_state.c.valid_from_ms)
    rows = unit.connection.execute(wanted)
    return tuple(StateSpan(SiteState(row.state), row.valid_from_ms, row.valid_to_ms) for row in rows)


def find_site(unit: Unit, site_id: str) -> Site | None:
    """Return one site, or None."""
    row = unit.connection.execute(select(site).where(site.c.id == site_id)).first()
    return None if row is None else site_of(row)


def find_sites(unit: Unit, ids: Iterable[str]) -> dict[str, Site]:
    """Return the sites with these ids, by id; one that is not registered is left out."""
    found: dict[str, Site] = {}
    for chunk in chunks(sorted(set(ids))):
        found |= {row.id: site_of(row) for row in unit.connection.execute(select(site).where(site.c.id.in_(chunk)))}
    return found


def count_sites(unit: Unit, *, simulated: bool) -> int:
    """Return how many real, or simulated, sites are registered."""
    wanted = select(func.count()).select_from(site).where(site.c.simulated == simulated)
    return int(unit.connection.execute(wanted).scalar_one())


def site_of(row: Row[Any]) -> Site:
    """Return the site whose columns are in `row`."""
    return Site(
        id=row.id,
        name=row.name,
        timezone=row.timezone,
        created_at_ms=row.created_at_ms,
        simulated=row.simulated,
        latitude=row.latitude,
        longitude=row.longitude,
    )


def folded(text: str) -> str:
    """Return `text` in lower case without accents, as a search compares it."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _columns(new: Site) -> dict[str, Any]:
    wrong = next(_faults(new), None)
    if wrong is not None:
        raise RegisterError(Said(f"site {new.id[:60]!r}: {wrong}", f"sitio {new.id[:60]!r}: {wrong.es}"))
    return {
        "id": new.id,
        "name": new.name,
        "simulated": new.simulated,
        "timezone": new.timezone,
        "latitude": new.latitude,
        "longitude": new.longitude,
        "created_at_ms": new.created_at_ms,
        "search": folded(f"{new.id} {new.name}")[:300],
    }


def _faults(new: Site) -> Iterator[Said]:
    if not is_id(new.id):
        yield Said(
            "id must be 1 to 39 of a-z, 0-9 and -, not starting with -",
            "la clave lleva de 1 a 39 caracteres: a-z, 0-9 y -, sin empezar con -",
        )
    if not new.name.strip() or len(new.name) > 200 or clean_text(new.name) != new.name:
        yield Said("name must be 1 to 200 characters of text", "el nombre lleva de 1 a 200 caracteres")
    if not _is_zone(new.timezone):
        yield Said(
            f"timezone {new.timezone[:64]!r} is not an IANA zone such as America/Mexico_City",
            f"la zona horaria {new.timezone[:64]!r} no es una zona IANA como America/Mexico_City",
        )
    if (new.latitude is None) != (new.longitude is None):
        yield Said(
            "latitude and longitude go together: give both or neither", "latitud y longitud van juntas: ambas o ninguna"
        )
    if new.latitude is not None and not -90 <= new.latitude <= 90:
        yield Said(
            f"latitude {new.latitude} must be between -90 and 90 degrees",
            f"la latitud {new.latitude} debe estar entre -90 y 90 grados",
        )
    if new.longitude is not None and not -180 <= new.longitude <= 180:
        yield Said(
            f"longitude {new.longitude} must be between -180 and 180 degrees",
            f"la longitud {new.longitude} debe estar entre -180 y 180 grados",
        )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _refuse_taken(unit: Unit, ids: Sequence[str]) -> None:
    for chunk in chunks(ids):
        taken = unit.connection.execute(select(site.c.id).where(site.c.id.in_(chunk)).limit(1)).first()
        if taken is not None:
            raise RegisterConflictError(
                Said(
                    f"site {taken.id!r} is already registered: choose another id",
                    f"el sitio {taken.id!r} ya está registrado: hay que elegir otra clave",
                )
            )


def _first_state(entry: SiteEntry) -> dict[str, Any]:
    return {"site": entry.site.id, "state": entry.state.value, "valid_from_ms": entry.from_ms}


def _first_facts(entry: SiteEntry) -> Iterator[dict[str, Any]]:
    primary = [NewFact(PRIMARY_FACT, new.id) for new in entry.devices if new.is_primary]
    for fact in (*entry.facts, *primary):
        columns = fact_columns(fact.fact, fact.value, fact.item)
        yield {"site": entry.site.id, **columns, "valid_from_ms": entry.from_ms}


def _first_devices(entry: SiteEntry) -> Iterator[dict[str, Any]]:
    for new in entry.devices:
        if new.site != entry.site.id:
            raise RegisterError(
                Said(
                    f"device {new.id!r} names site {new.site!r}, not {entry.site.id!r}: mend one",
                    f"el equipo {new.id!r} nombra el sitio {new.site!r}, no {entry.site.id!r}: hay que corregir uno",
                )
            )
        yield {**device_columns(new), "is_primary": new.is_primary}
