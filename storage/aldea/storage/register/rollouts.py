"""Rollouts: which release goes out, to whom in which wave, and what became of it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select, update

from aldea.model.rollouts import DeviceView, Key, Progress, Rollout, RolloutState, Why
from aldea.model.said import Said
from aldea.storage.register.commands import UNHEARD, cancel_command, find_command
from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.releases import find_release
from aldea.storage.register.sites import find_site
from aldea.storage.register.statements import insert as upsert
from aldea.storage.register.tables import command, device, release, rollout, rollout_device, site, site_status

LONGEST_BAKE_HOURS = 24 * 30
KIND = "upgrade"
"""The commands' kind."""

_OPEN = tuple(state.value for state in RolloutState if not state.is_over)


@dataclass(frozen=True, slots=True)
class StoredRollout:
    """A rollout in the register."""

    id: int
    rollout: Rollout
    author: str
    changed_ms: int
    why: Why | None


@dataclass(frozen=True, slots=True)
class RolloutDevice:
    """A device that was asked: where it stands, its command, and the words of its last answer."""

    site: str
    device: str
    wave: int
    progress: Progress
    command: str
    asked_ms: int
    trying_ms: int | None
    ended_ms: int | None
    detail: Mapping[str, Any] = field(default_factory=dict)


def begin_rollout(
    unit: Unit, version: str, at_ms: int, author: str, *, first_site: str | None = None, bake_hours: float = 24.0
) -> StoredRollout:
    """Begin to roll a release out. Raises UnknownEntryError or RegisterError with a sentence.

    One rollout is under way at a time; one that is paused or halted is.
    """
    if find_release(unit, version) is None:
        raise UnknownEntryError(
            Said(
                f"there is no release {version[:40]!r}: aldea release list shows them all",
                f"no hay ninguna versión {version[:40]!r}: aldea release list muestra todas",
            )
        )
    # Where none is under way there is no row to hold: whoever else begins waits here until we are done.
    unit.connection.execute(select(release.c.version).order_by(release.c.version).with_for_update()).all()
    under_way = open_rollout(unit)
    if under_way is not None:
        going = under_way.rollout.version
        raise RegisterError(
            Said(
                f"version {going} is being rolled out ({under_way.rollout.state.value}): stop that first, or let it "
                "end",
                f"la versión {going} se está distribuyendo: termine eso primero, o espere a que acabe",
            )
        )
    if not 0 <= bake_hours <= LONGEST_BAKE_HOURS:
        raise RegisterError(
            Said(
                f"the hours between waves are 0 to {LONGEST_BAKE_HOURS}, not {bake_hours:g}",
                f"las horas entre grupos van de 0 a {LONGEST_BAKE_HOURS}, no {bake_hours:g}",
            )
        )
    if first_site is not None:
        found = find_site(unit, first_site)
        if found is None or found.simulated:
            raise UnknownEntryError(
                Said(f"there is no real site {first_site[:60]!r}", f"no hay ningún sitio real {first_site[:60]!r}")
            )
    new = Rollout(version, RolloutState.RUNNING, 0, at_ms, bake_hours, first_site)
    values = {
        "version": version,
        "state": new.state.value,
        "wave": 0,
        "first_site": first_site,
        "bake_hours": bake_hours,
    }
    made = unit.connection.execute(
        insert(rollout)
        .values(**values, author=clean_text(author)[:120], created_ms=at_ms, changed_ms=at_ms, why=None)
        .returning(rollout.c.id)
    ).scalar_one()
    return StoredRollout(made, new, author, at_ms, None)


def open_rollout(unit: Unit) -> StoredRollout | None:
    """Return the rollout that is not over, None where there is none; nobody else can change it before the unit ends."""
    row = unit.connection.execute(select(rollout).where(rollout.c.state.in_(_OPEN)).with_for_update()).first()
    return None if row is None else _stored(row)


def list_rollouts(unit: Unit, *, limit: int = 20) -> tuple[StoredRollout, ...]:
    """Return rollouts, the newest first."""
    rows = unit.connection.execute(select(rollout).order_by(rollout.c.id.desc()).limit(limit))
    return tuple(_stored(row) for row in rows)


def change_rollout(unit: Unit, state: RolloutState, at_ms: int) -> StoredRollout:
    """Pause, resume or stop the rollout that is under way, as a person wants; return it as it is then.

    Resuming one that has halted sets the devices that were the reason aside; what went wrong while it was paused halts
    it then, for nobody was told. Stopping calls those off that have not
    heard of it yet. Raises RegisterError.
    """
    found = open_rollout(unit)
    if found is None:
        raise RegisterError(Said("no release is being rolled out", "no se está distribuyendo ninguna versión"))
    if state is RolloutState.PAUSED and found.rollout.state is not RolloutState.RUNNING:
        raise RegisterError(
            Said(f"it is {found.rollout.state.value} already", "ya no está en marcha: no hay nada que pausar")
        )
    if state is RolloutState.RUNNING:
        if found.rollout.state is RolloutState.RUNNING:
            raise RegisterError(Said("it is running already", "ya está en marcha"))
        halted = found.rollout.state is RolloutState.HALTED
        for item in rollout_devices(unit, found.id) if halted else ():
            if not item.progress.is_trouble and item.progress is not Progress.INCONCLUSIVE:
                continue
            note_progress(unit, found.id, (item.site, item.device), Progress.SET_ASIDE, at_ms, item.detail)
    if state is RolloutState.STOPPED:
        _call_off(unit, found.id, at_ms)
    keep_step(unit, found.id, state, found.rollout.wave, None, at_ms)
    return next(item for item in list_rollouts(unit) if item.id == found.id)


def _call_off(unit: Unit, number: int, at_ms: int) -> None:
    """Cancel what devices were asked and have not heard yet; what they have begun they end."""
    for item in rollout_devices(unit, number):
        if not item.progress.is_under_way and item.progress is not Progress.LEFT:
            continue
        asked = find_command(unit, item.command)
        if asked is not None and asked.state in UNHEARD:
            cancel_command(unit, item.command, at_ms)


def keep_step(unit: Unit, number: int, state: RolloutState, wave: int, why: Why | None, at_ms: int) -> None:
    """Keep where a rollout stands, and why it waits or has halted."""
    said = None if why is None else {"word": why.word, "about": dict(why.about)}
    new = {"state": state.value, "wave": wave, "why": said, "changed_ms": at_ms}
    unit.connection.execute(update(rollout).where(rollout.c.id == number).values(**new))


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
    return tuple(_device(row) for row in unit.connection.execute(wanted))


def newest_of_device(unit: Unit, site_id: str, device_id: str) -> tuple[StoredRollout, RolloutDevice] | None:
    """Return the last rollout in which a device was asked, and where it stands in it."""
    table = rollout_device.c
    wanted = select(rollout_device).where(table.site == site_id, table.device == device_id)
    row = unit.connection.execute(wanted.order_by(table.rollout.desc()).limit(1)).first()
    if row is None:
        return None
    found = unit.connection.execute(select(rollout).where(rollout.c.id == row.rollout)).one()
    return _stored(found), _device(row)


def device_views(unit: Unit, number: int) -> tuple[DeviceView, ...]:
    """Return every real agent that is not retired, and what is known of it for a rollout."""
    asked = {(item.site, item.device): item for item in rollout_devices(unit, number)}
    both = (site_status.c.site == device.c.site) & (site_status.c.device == device.c.id)
    wanted = (
        select(device.c.site, device.c.id, site_status.c.last_arrival_ms, site_status.c.agent_version)
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
    if asked is None:
        return seen
    return DeviceView(
        row.site,
        row.id,
        row.agent_version,
        row.last_arrival_ms,
        progress=asked.progress,
        wave=asked.wave,
        asked_ms=asked.asked_ms,
        trying_ms=asked.trying_ms,
        confirmed_ms=asked.ended_ms if asked.progress is Progress.CONFIRMED else None,
        ended_ms=asked.ended_ms,
    )


def _device(row: Row[Any]) -> RolloutDevice:
    return RolloutDevice(
        row.site,
        row.device,
        row.wave,
        Progress(row.progress),
        row.command,
        row.asked_ms,
        row.trying_ms,
        row.ended_ms,
        row.detail,
    )


def _stored(row: Row[Any]) -> StoredRollout:
    found = Rollout(row.version, RolloutState(row.state), row.wave, row.created_ms, row.bake_hours, row.first_site)
    why = None if row.why is None else Why(str(row.why["word"]), dict(row.why["about"]))
    return StoredRollout(row.id, found, row.author, row.changed_ms, why)
