"""The devices of a rollout: who was asked in which wave, and what became of it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, update

from aldea.model.rollouts import DeviceView, Key, Progress
from aldea.storage.register.encoding import plain
from aldea.storage.register.register import Unit
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout, device_of, stored_of
from aldea.storage.register.statements import insert as upsert
from aldea.storage.register.tables import broker_credential, command, device, rollout, rollout_device, site, site_status


def note_asked(unit: Unit, number: int, key: Key, wave: int, command_id: str, at_ms: int) -> None:
    """Note that a device was asked by a command, in a wave."""
    values = {"wave": wave, "progress": Progress.ASKED.value, "command": command_id, "asked_ms": at_ms}
    fresh = {**values, "trying_ms": None, "ended_ms": None, "detail": {}}
    statement = upsert(unit, rollout_device).values(rollout=number, site=key[0], device=key[1], **fresh)
    unit.connection.execute(statement.on_conflict_do_update(index_elements=["rollout", "site", "device"], set_=fresh))


def note_progress(unit: Unit, number: int, key: Key, progress: Progress, at_ms: int, detail: Mapping[str, Any]) -> None:
    """Note where a device stands now."""
    table = rollout_device.c
    new: dict[str, Any] = {"progress": progress.value, "detail": plain(dict(detail))}
    if progress is Progress.TRYING:
        new["trying_ms"] = at_ms
    elif not progress.is_under_way:
        new["ended_ms"] = at_ms
    mine = (table.rollout == number, table.site == key[0], table.device == key[1])
    unit.connection.execute(update(rollout_device).where(*mine).values(**new))


def rollout_devices(unit: Unit, number: int) -> tuple[RolloutDevice, ...]:
    """Return the devices that were asked, by wave, site and device."""
    table = rollout_device.c
    wanted = select(rollout_device).where(table.rollout == number).order_by(table.wave, table.site, table.device)
    return tuple(device_of(row) for row in unit.connection.execute(wanted))


def newest_of_device(unit: Unit, site_id: str, device_id: str) -> tuple[StoredRollout, RolloutDevice] | None:
    """Return the last rollout in which a device was asked, and where it stands in it."""
    table = rollout_device.c
    wanted = select(rollout_device).where(table.site == site_id, table.device == device_id)
    row = unit.connection.execute(wanted.order_by(table.rollout.desc()).limit(1)).first()
    if row is None:
        return None
    found = unit.connection.execute(select(rollout).where(rollout.c.id == row.rollout)).one()
    return stored_of(found), device_of(row)


def device_views(unit: Unit, number: int) -> tuple[DeviceView, ...]:
    """Return every real agent that is not retired, and what is known of it for a rollout.

    What became of a box tells nothing of the one that took its place: that one has not been asked.
    """
    asked = {(item.site, item.device): item for item in rollout_devices(unit, number)}
    both = (site_status.c.site == device.c.site) & (site_status.c.device == device.c.id)
    wanted = (
        select(
            device.c.site,
            device.c.id,
            site_status.c.last_arrival_ms,
            site_status.c.agent_version,
            select(func.max(broker_credential.c.created_ms))
            .where(broker_credential.c.site == device.c.site, broker_credential.c.device == device.c.id)
            .scalar_subquery()
            .label("enrolled_ms"),
        )
        .join(site, site.c.id == device.c.site)
        .outerjoin(site_status, both)
        .where(~site.c.simulated, device.c.retired_at_ms.is_(None), device.c.kind == "agent")
        .order_by(device.c.site, device.c.id)
    )
    return tuple(_view(row, asked.get((row.site, row.id))) for row in unit.connection.execute(wanted))


def command_states(unit: Unit, ids: tuple[str, ...]) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """Return state and answer of commands, by id."""
    table = command.c
    rows = unit.connection.execute(select(table.id, table.state, table.answer).where(table.id.in_(ids)))
    return {row.id: (row.state, row.answer or {}) for row in rows}


def _view(row: Any, asked: RolloutDevice | None) -> DeviceView:
    seen = DeviceView(row.site, row.id, row.agent_version, row.last_arrival_ms)
    if asked is None or _is_of_another_box(asked, row.enrolled_ms):
        return seen
    return replace(
        seen,
        progress=asked.progress,
        wave=asked.wave,
        asked_ms=asked.asked_ms,
        trying_ms=asked.trying_ms,
        confirmed_ms=asked.ended_ms if asked.progress is Progress.CONFIRMED else None,
        ended_ms=asked.ended_ms,
    )


def _is_of_another_box(asked: RolloutDevice, enrolled_ms: int | None) -> bool:
    """Say whether it ended at a box that was replaced since; what is under way there the new one carries out."""
    if asked.ended_ms is None or enrolled_ms is None or asked.progress.is_under_way:
        return False
    return enrolled_ms > asked.ended_ms
