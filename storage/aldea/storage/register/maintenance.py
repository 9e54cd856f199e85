"""Maintenance windows: one list, which decides what is paged and what counts as planned."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, insert, select, update

from aldea.model.said import Said
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import maintenance, site

REASON_LIMIT = 500
ANNOUNCED_BEFORE_MS = 48 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Work from `from_ms` up to before `to_ms` at a site, at a programme's sites, in a region, or everywhere.

    A window without site, programme and region is for all sites. `region` is a state's name (fact
    `state_name`). `simulated`: it is for simulated sites, and only for them. A new window has no `id` yet.
    """

    id: str = ""
    site: str | None = None
    programme: str | None = None
    region: str | None = None
    from_ms: int
    to_ms: int
    announced_ms: int
    approved: bool = True
    reason: str
    author: str | None = None
    simulated: bool = False

    @property
    def counts_as_planned(self) -> bool:
        """Say whether downtime in it may count as planned: approved, and announced 48 hours before."""
        return self.approved and self.announced_ms <= self.from_ms - ANNOUNCED_BEFORE_MS

    def applies_to(self, site: str, programmes: Collection[str], region: str | None, *, simulated: bool) -> bool:
        """Say whether a site, with the programmes and the region it is in, is meant."""
        return (
            simulated == self.simulated
            and self.site in (None, site)
            and (self.programme is None or self.programme in programmes)
            and self.region in (None, region)
        )


def add_maintenance(unit: Unit, new: Maintenance) -> Maintenance:
    """Enter a window and return it with its id. Of a window for one site, the site decides if it is simulated.

    Raises RegisterError for an end that is not after the start or an empty reason, UnknownEntryError for a
    site that is not registered.
    """
    if new.to_ms <= new.from_ms:
        raise RegisterError(
            Said(
                "a maintenance window must end after it begins: give a later end",
                "un mantenimiento debe terminar después de empezar: dar un final posterior",
            )
        )
    if not new.reason.strip() or len(new.reason) > REASON_LIMIT:
        raise RegisterError(
            Said(
                f"a maintenance window needs a reason of 1 to {REASON_LIMIT} characters",
                f"un mantenimiento necesita un motivo de 1 a {REASON_LIMIT} caracteres",
            )
        )
    simulated = new.simulated
    if new.site is not None:
        wanted = select(site.c.simulated).where(site.c.id == new.site)
        found = unit.connection.execute(wanted).scalar_one_or_none()
        if found is None:
            raise UnknownEntryError(
                Said(
                    f"site {new.site!r} is not registered: add it first (`aldea site add`)",
                    f"el sitio {new.site!r} no está registrado: primero hay que agregarlo (`aldea site add`)",
                )
            )
        simulated = bool(found)
    entered = replace(
        new,
        id=new.id or secrets.token_hex(8),
        programme=new.programme or None,
        region=new.region or None,
        reason=clean_text(new.reason.strip()),
        simulated=simulated,
    )
    values = {c.name: getattr(entered, c.name) for c in maintenance.c if c.name != "considered"}
    unit.connection.execute(insert(maintenance).values(**values, considered=""))
    return entered


def end_maintenance(unit: Unit, maintenance_id: str, at_ms: int) -> bool:
    """Let a window end at `at_ms`, before it was to; one that has not begun never happens. Say if that is new.

    Raises UnknownEntryError when there is no such window.
    """
    found = find_maintenance(unit, maintenance_id)
    if found is None:
        raise UnknownEntryError(_none(maintenance_id))
    if at_ms >= found.to_ms:
        return False
    _update(unit, maintenance_id, to_ms=max(at_ms, found.from_ms))
    return True


def approve_maintenance(unit: Unit, maintenance_id: str, *, approved: bool = True) -> bool:
    """Approve a window, or take that back; say whether that is new."""
    found = find_maintenance(unit, maintenance_id)
    if found is None:
        raise UnknownEntryError(_none(maintenance_id))
    if found.approved == approved:
        return False
    _update(unit, maintenance_id, approved=approved)
    return True


def find_maintenance(unit: Unit, maintenance_id: str) -> Maintenance | None:
    """Return one window, or None."""
    row = unit.connection.execute(select(maintenance).where(maintenance.c.id == maintenance_id)).first()
    return None if row is None else _window(row)


def maintenance_between(unit: Unit, from_ms: int, to_ms: int) -> tuple[Maintenance, ...]:
    """Return the windows that touch the time from `from_ms` up to before `to_ms`, by their start.

    One that was ended before it began never happened.
    """
    touching = (
        maintenance.c.from_ms < to_ms,
        maintenance.c.to_ms > from_ms,
        maintenance.c.to_ms > maintenance.c.from_ms,
    )
    order = (maintenance.c.from_ms, maintenance.c.id)
    return tuple(_window(row) for row in unit.connection.execute(select(maintenance).where(*touching).order_by(*order)))


def unconsidered(unit: Unit) -> tuple[tuple[Maintenance, tuple[int, int] | None], ...]:
    """Return the windows that the settler has not taken into account as they are now.

    With each comes the time it covered when it was last taken into account, None when it never was.
    """
    found: list[tuple[Maintenance, tuple[int, int] | None]] = []
    for row in unit.connection.execute(select(maintenance)):
        window = _window(row)
        if row.considered != _digest(window):
            before = [int(part) for part in row.considered.split()[:2]]
            found.append((window, (before[0], before[1]) if len(before) == 2 else None))
    return tuple(found)


def set_considered(unit: Unit, windows: Collection[Maintenance]) -> None:
    """Note that the settler has taken these windows into account as they are here."""
    for window in windows:
        _update(unit, window.id, considered=_digest(window))


def _none(maintenance_id: str) -> Said:
    return Said(
        f"there is no maintenance window {maintenance_id[:40]!r}",
        f"no hay ningún mantenimiento {maintenance_id[:40]!r}",
    )


def _digest(window: Maintenance) -> str:
    return f"{window.from_ms} {window.to_ms} {window.announced_ms} {int(window.approved)}"


def _update(unit: Unit, maintenance_id: str, **values: Any) -> None:
    unit.connection.execute(update(maintenance).where(maintenance.c.id == maintenance_id).values(**values))


def _window(row: Row[Any]) -> Maintenance:
    return Maintenance(**{c.name: getattr(row, c.name) for c in maintenance.c if c.name != "considered"})
