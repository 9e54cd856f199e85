"""What each agent is to run with, and how it stands to it.

The effective overlay is the site's profile, the device's own differences over it, and facts that the server knows.
What the device holds is the newest settings that it has answered with `done`, since its card was enrolled and since
the register came back from a backup, where it did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from aldea.model.overlays import changed_keys, merged
from aldea.model.said import Said
from aldea.storage.register.command_rows import CommandState, DeviceCommand, command_of
from aldea.storage.register.dated import holds_at
from aldea.storage.register.errors import UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.restored import restored_ms
from aldea.storage.register.tables import (
    broker_credential,
    command,
    device,
    device_settings,
    programme,
    settings_profile,
    site,
    site_fact,
    site_profile,
)

KIND = "settings"
SITE_NAME, TIMEZONE, PROGRAMMES = "page.site_name", "page.timezone", "page.programmes"
SERVER_FACTS = frozenset({SITE_NAME, TIMEZONE, PROGRAMMES})
"""Settings that the server knows by itself; a profile or a device's differences may say otherwise."""


class Standing(StrEnum):
    """How a device stands to what it is to run with."""

    SAME = "same"
    """It has answered that it runs with it."""
    NOT_SENT = "not_sent"
    """It is to run with something else than it was sent last."""
    UNDER_WAY = "under_way"
    """It was sent, and has not answered yet."""
    FAILED = "failed"
    """It did not take it."""
    ROLLED_BACK = "rolled_back"
    """It tried it, and went back."""


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """A device's settings as they are decided here, and as it has answered.

    `last` is the newest settings command; `held` the document that the device has said to run with (`held_revision`).
    """

    site: str
    device: str
    site_name: str
    profile: str | None
    profile_document: Mapping[str, Any]
    differences: Mapping[str, Any]
    revision: int = 0
    changed_by: str | None = None
    changed_ms: int | None = None
    overlay: Mapping[str, Any] = field(default_factory=dict)
    last: DeviceCommand | None = None
    held: Mapping[str, Any] = field(default_factory=dict)
    held_revision: int = 0

    @property
    def changes(self) -> list[str]:
        """The keys in which what it is to run with differs from what it has said to run with."""
        return changed_keys(self.held, self.overlay)

    @property
    def standing(self) -> Standing:
        """How it stands."""
        if not self.changes and (self.last is None or self.last.state.is_over):
            return Standing.SAME
        if self.last is None or self.last.payload.get("document") != self.overlay:
            return Standing.NOT_SENT
        if not self.last.state.is_over:
            return Standing.UNDER_WAY
        ended = {CommandState.FAILED: Standing.FAILED, CommandState.ROLLED_BACK: Standing.ROLLED_BACK}
        return ended.get(self.last.state, Standing.NOT_SENT)

    def is_due(self, *, again: bool) -> bool:
        """Say whether it is to be sent something; `again`: also what it did not take."""
        if self.standing in {Standing.FAILED, Standing.ROLLED_BACK}:
            return again
        return self.standing is Standing.NOT_SENT


def settings_of(
    unit: Unit,
    keys: Collection[str],
    now_ms: int,
    *,
    sites: Collection[str] | None = None,
    device_id: str | None = None,
    profile: str | None = None,
) -> tuple[DeviceSettings, ...]:
    """Return the settings of agents by site and device: of some sites, of one device, of those with a profile.

    `keys` are the settings that agents know, so that the server adds no fact that they don't. Simulated sites,
    retired devices and devices that are not agents have none.
    """
    conditions: list[ColumnElement[bool]] = [
        site.c.simulated.is_(False),
        device.c.kind == "agent",
        device.c.retired_at_ms.is_(None),
    ]
    if sites is not None:
        conditions.append(device.c.site.in_(sorted(set(sites))))
    if device_id is not None:
        conditions.append(device.c.id == device_id)
    if profile is not None:
        conditions.append(site_profile.c.profile == profile)
    return _gathered(unit, and_(*conditions), SERVER_FACTS & set(keys), now_ms)


def device_settings_of(unit: Unit, site_id: str, device_id: str, keys: Collection[str], now_ms: int) -> DeviceSettings:
    """Return one device's settings. Raises UnknownEntryError for one that takes none."""
    found = settings_of(unit, keys, now_ms, sites=[site_id], device_id=device_id)
    if not found:
        raise UnknownEntryError(
            Said(
                f"site {site_id[:39]!r} has no agent {device_id[:39]!r} that could be set: enrol it",
                f"el sitio {site_id[:39]!r} no tiene un agente {device_id[:39]!r} que se pueda "
                "ajustar: hay que inscribirlo",
            )
        )
    return found[0]


def _gathered(
    unit: Unit, condition: ColumnElement[bool], facts: Collection[str], now_ms: int
) -> tuple[DeviceSettings, ...]:
    joined = (
        device.join(site, site.c.id == device.c.site)
        .outerjoin(site_profile, site_profile.c.site == device.c.site)
        .outerjoin(settings_profile, settings_profile.c.id == site_profile.c.profile)
        .outerjoin(
            device_settings,
            and_(device_settings.c.site == device.c.site, device_settings.c.device == device.c.id),
        )
    )
    wanted = (
        select(
            device.c.site,
            device.c.id,
            site.c.name,
            site.c.timezone,
            settings_profile.c.id.label("profile"),
            settings_profile.c.document,
            device_settings.c.differences,
            device_settings.c.revision,
            device_settings.c.changed_by,
            device_settings.c.changed_at_ms,
        )
        .select_from(joined)
        .where(condition)
        .order_by(device.c.site, device.c.id)
    )
    rows = unit.connection.execute(wanted).all()
    mine = select(device.c.site, device.c.id).select_from(joined).where(condition).subquery()
    last, done = _commands(unit, mine)
    programmes = _programmes(unit, mine, now_ms) if PROGRAMMES in facts else {}
    return tuple(_settings(row, facts, programmes, last, done) for row in rows)


def _settings(
    row: Any,
    facts: Collection[str],
    programmes: Mapping[str, list[dict[str, str]]],
    last: Mapping[tuple[str, str], DeviceCommand],
    done: Mapping[tuple[str, str], DeviceCommand],
) -> DeviceSettings:
    known = {SITE_NAME: row.name, TIMEZONE: row.timezone, PROGRAMMES: programmes.get(row.site, [])}
    page = {key.removeprefix("page."): known[key] for key in sorted(facts)}
    overlay = merged(merged({"page": page} if page else {}, row.document or {}), row.differences or {})
    key = (row.site, row.id)
    held = done.get(key)
    return DeviceSettings(
        site=row.site,
        device=row.id,
        site_name=row.name,
        profile=row.profile,
        profile_document=row.document or {},
        differences=row.differences or {},
        revision=row.revision or 0,
        changed_by=row.changed_by,
        changed_ms=row.changed_at_ms,
        overlay=overlay,
        last=last.get(key),
        held={} if held is None else held.payload["document"],
        held_revision=0 if held is None else int(held.payload["revision"]),
    )


def _commands(unit: Unit, mine: Any) -> tuple[dict[tuple[str, str], DeviceCommand], ...]:
    """Return the newest settings command of each device, and the newest that it has taken since it was enrolled."""
    done = command.c.state == CommandState.DONE.value
    newest = (
        func.row_number()
        .over(
            partition_by=(command.c.site, command.c.device, done),
            order_by=(command.c.created_at_ms.desc(), command.c.id.desc()),
        )
        .label("newest")
    )
    here = and_(command.c.site == mine.c.site, command.c.device == mine.c.id)
    counted = select(command, newest).join(mine, here).where(command.c.kind == KIND).subquery()
    rows = unit.connection.execute(select(counted).where(counted.c.newest == 1)).all()
    enrolled, restored = _enrolled(unit, mine), restored_ms(unit)
    last: dict[tuple[str, str], DeviceCommand] = {}
    taken: dict[tuple[str, str], DeviceCommand] = {}
    for found in sorted((command_of(row) for row in rows), key=lambda one: (one.created_ms, one.id)):
        key = (found.site, found.device)
        # A new card knows nothing of what the old one was told, nor a restored register of what was sent since.
        if found.created_ms < max(enrolled.get(key, 0), restored) and found.state.is_over:
            continue
        last[key] = found
        if found.state is CommandState.DONE:
            taken[key] = found
    return last, taken


def _enrolled(unit: Unit, mine: Any) -> dict[tuple[str, str], int]:
    kept = broker_credential
    here = and_(kept.c.site == mine.c.site, kept.c.device == mine.c.id)
    wanted = select(kept.c.site, kept.c.device, func.max(kept.c.created_ms)).join(mine, here)
    rows = unit.connection.execute(wanted.group_by(kept.c.site, kept.c.device))
    return {(row[0], row[1]): row[2] for row in rows}


def _programmes(unit: Unit, mine: Any, now_ms: int) -> dict[str, list[dict[str, str]]]:
    wanted = (
        select(site_fact.c.site, programme.c.id, programme.c.name)
        .join(programme, programme.c.id == site_fact.c.item)
        .where(site_fact.c.fact == "programme", holds_at(site_fact, now_ms), site_fact.c.site.in_(select(mine.c.site)))
        .order_by(site_fact.c.site, programme.c.id)
    )
    found: dict[str, list[dict[str, str]]] = {}
    for row in unit.connection.execute(wanted):
        found.setdefault(row.site, []).append({"id": row.id, "name": row.name})
    return found
