"""Commands to devices: queued by people and by the server itself, sent by a collector, answered by the device.

A command is sent again until it is answered or over; the device carries it out once. What the device says counts
before what the server has assumed: an answer also ends a command that was cancelled or counted as expired.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from aldea.model.messages import MAX_BYTES, Command, encode_command
from aldea.model.said import Said
from aldea.storage.register import command_words as words
from aldea.storage.register.command_rows import OPEN, UNHEARD, CommandState, DeviceCommand, command_of
from aldea.storage.register.devices import find_device
from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.facts import lock_site
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import find_site
from aldea.storage.register.tables import command

__all__ = [
    "OPEN",
    "UNHEARD",
    "CommandState",
    "DeviceCommand",
    "cancel_command",
    "command_of",
    "commands_of",
    "count_open_commands",
    "find_command",
    "message_of",
    "note_answer",
    "queue_command",
    "supersede",
]

MOST_OPEN = 50
"""How many commands may wait for one device."""

LONGEST_MS = 90 * 86_400_000

_ANSWERS = frozenset(CommandState) - {CommandState.WAITING, CommandState.SENT, CommandState.CANCELLED}
_ASSUMED = (CommandState.CANCELLED, CommandState.EXPIRED)
_OPEN_VALUES = tuple(state.value for state in OPEN)


def queue_command(  # noqa: PLR0913, PLR0917 - what a command is made of
    unit: Unit,
    site: str,
    device: str,
    kind: str,
    payload: Mapping[str, Any],
    now_ms: int,
    expires_ms: int,
    author: str | None = None,
    *,
    id: str | None = None,  # noqa: A002 - the command's own word
) -> DeviceCommand:
    """Queue a command for a device; return it. With an `id` that is there already: what is there, nothing is added.

    Raises UnknownEntryError for a device that is not registered, RegisterConflictError for an id that another device
    has, RegisterError for a simulated site, a retired device, too many waiting, or a command that is too large.
    """
    lock_site(unit, site)
    if id is not None and (found := find_command(unit, id)) is not None:
        if (found.site, found.device, found.kind) != (site, device, kind):
            raise RegisterConflictError(words.of_another(id))
        return found
    _refuse(unit, site, device, now_ms, expires_ms)
    new = DeviceCommand(
        id=id or uuid4().hex,
        site=site,
        device=device,
        kind=kind,
        payload=plain(dict(payload)),
        state=CommandState.WAITING,
        created_ms=now_ms,
        expires_ms=expires_ms,
        author=None if author is None else clean_text(author)[:120],
    )
    if not 0 < len(new.id) <= 64 or not 0 < len(kind) <= 40:
        raise RegisterError(words.bad_names())
    size = len(encode_command(message_of(new)))
    if size > MAX_BYTES:
        raise RegisterError(words.too_large(site, device, size, MAX_BYTES))
    unit.connection.execute(
        insert(command).values(
            id=new.id,
            site=site,
            device=device,
            kind=kind,
            payload=new.payload,
            created_at_ms=now_ms,
            expires_at_ms=expires_ms,
            state=new.state.value,
            author=new.author,
            attempts=0,
        )
    )
    return new


def message_of(one: DeviceCommand) -> Command:
    """Return the command as it is sent."""
    return Command(one.id, one.kind, one.payload, one.expires_ms)


def supersede(unit: Unit, site: str, device: str, kind: str, now_ms: int) -> int:
    """Cancel the device's unanswered commands of a kind, since a newer one takes their place; return how many."""
    mine = (command.c.site == site, command.c.device == device, command.c.kind == kind)
    return _cancel(unit, and_(*mine, command.c.state.in_(_OPEN_VALUES)), now_ms, {"superseded": True})


def cancel_command(unit: Unit, command_id: str, now_ms: int, author: str | None = None) -> DeviceCommand:
    """Stop sending a command; return it as it is then.

    Raises UnknownEntryError for none, RegisterError for one that the device has or that is over.
    """
    row = unit.connection.execute(select(command).where(command.c.id == command_id).with_for_update()).first()
    if row is None:
        raise UnknownEntryError(words.no_command(command_id))
    found = command_of(row)
    if found.state not in UNHEARD:
        why = Said("it is over", "terminó")
        if not found.state.is_over:
            why = Said("the device has it already and carries it out", "el equipo ya la tiene y la está cumpliendo")
        raise RegisterError(
            Said(f"the command can't be cancelled any more: {why}", f"la orden ya no se puede cancelar: {why.es}")
        )
    _cancel(unit, command.c.id == command_id, now_ms, {} if author is None else {"cancelled_by": author})
    return _existing(unit, command_id)


def find_command(unit: Unit, command_id: str) -> DeviceCommand | None:
    """Return one command, or None."""
    row = unit.connection.execute(select(command).where(command.c.id == command_id)).first()
    return None if row is None else command_of(row)


def commands_of(
    unit: Unit,
    site: str,
    device: str | None = None,
    *,
    kinds: Collection[str] | None = None,
    limit: int = 50,
    after: str | None = None,
) -> tuple[DeviceCommand, ...]:
    """Return up to `limit` commands of a site or one of its devices, the newest first, from behind the one `after`.

    Raises UnknownEntryError for an unknown `after`.
    """
    conditions: list[ColumnElement[bool]] = [command.c.site == site]
    if device is not None:
        conditions.append(command.c.device == device)
    if kinds is not None:
        conditions.append(command.c.kind.in_(tuple(kinds)))
    if after is not None:
        last = _existing(unit, after)
        same = and_(command.c.created_at_ms == last.created_ms, command.c.id < after)
        conditions.append(or_(command.c.created_at_ms < last.created_ms, same))
    wanted = select(command).where(*conditions).order_by(command.c.created_at_ms.desc(), command.c.id.desc())
    return tuple(command_of(row) for row in unit.connection.execute(wanted.limit(limit)))


def count_open_commands(unit: Unit) -> Mapping[str, int]:
    """Return how many commands are under way, by state."""
    wanted = select(command.c.state, func.count()).where(command.c.state.in_(_OPEN_VALUES)).group_by(command.c.state)
    found: dict[str, int] = {row[0]: int(row[1]) for row in unit.connection.execute(wanted)}
    return dict.fromkeys(_OPEN_VALUES, 0) | found


def note_answer(
    unit: Unit,
    site: str,
    device: str,
    command_id: str,
    state: CommandState | str,
    detail: Mapping[str, Any],
    at_ms: int,
) -> DeviceCommand:
    """Take a device's word on a command, told at `at_ms` of its time; return the command as it is then.

    Words may come twice and out of order: an end stays, and an older word changes nothing.
    Raises UnknownEntryError for a command that the device was never given, RegisterError for a state that is none.
    """
    if state not in {item.value for item in _ANSWERS}:
        raise RegisterError(words.no_answer(str(state)))
    row = unit.connection.execute(
        select(command)
        .where(command.c.id == command_id, command.c.site == site, command.c.device == device)
        .with_for_update()
    ).first()
    if row is None:
        raise UnknownEntryError(words.never_given(site, device, command_id))
    found, new = command_of(row), CommandState(state)
    if not _counts(found, new, at_ms):
        return found
    values: dict[str, Any] = {"state": new.value, "answer": plain(dict(detail)), "told_at_ms": at_ms}
    if found.heard_ms is None:
        values["delivered_at_ms"] = at_ms
    if new.is_over:
        values["answered_at_ms"] = at_ms
    unit.connection.execute(update(command).where(command.c.id == command_id).values(**values))
    return _existing(unit, command_id)


def _counts(found: DeviceCommand, new: CommandState, at_ms: int) -> bool:
    if found.state.is_over:
        # What the server has only assumed gives way to what the device has done.
        return found.state in _ASSUMED and new.is_over
    if new.is_over or found.told_ms is None:
        return True
    if found.state is CommandState.RUNNING and new is CommandState.ACCEPTED:
        return False
    return at_ms >= found.told_ms


def _cancel(unit: Unit, which: ColumnElement[bool], now_ms: int, answer: Mapping[str, Any]) -> int:
    values = {"state": CommandState.CANCELLED.value, "answered_at_ms": now_ms, "answer": plain(dict(answer))}
    return unit.connection.execute(update(command).where(which).values(**values)).rowcount


def _refuse(unit: Unit, site: str, device: str, now_ms: int, expires_ms: int) -> None:
    place = find_site(unit, site)
    found = find_device(unit, site, device)
    if place is None or found is None:
        raise UnknownEntryError(words.no_device(site, device))
    if place.simulated:
        raise RegisterError(words.simulated(site))
    if found.retired_at_ms is not None:
        raise RegisterError(words.retired(site, device))
    if not now_ms < expires_ms <= now_ms + LONGEST_MS:
        raise RegisterError(words.bad_end())
    mine = (command.c.site == site, command.c.device == device, command.c.state.in_(_OPEN_VALUES))
    waiting = unit.connection.execute(select(func.count()).select_from(command).where(*mine)).scalar_one()
    if waiting >= MOST_OPEN:
        raise RegisterError(words.too_many(waiting, site, device))


def _existing(unit: Unit, command_id: str) -> DeviceCommand:
    found = find_command(unit, command_id)
    if found is None:
        raise UnknownEntryError(words.no_command(command_id))
    return found
