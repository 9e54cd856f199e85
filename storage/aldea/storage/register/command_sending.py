"""Which commands are due to be sent, and who of several collectors sends them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, or_, select, update

from aldea.storage.register.command_rows import OPEN, UNHEARD, CommandState, DeviceCommand, command_of
from aldea.storage.register.register import Unit
from aldea.storage.register.status import Presence
from aldea.storage.register.tables import command, site_status

AGAIN_MS = 10 * 60_000
"""A command that nobody has answered is sent again after so long, while its device is connected."""

UNDER_WAY_MS = 86_400_000
"""What a device has taken up may be answered so long after it was to end: a box may be off for a night."""

_OPEN = tuple(state.value for state in OPEN)
_UNHEARD = tuple(state.value for state in UNHEARD)


def due_commands(unit: Unit, now_ms: int, limit: int) -> list[DeviceCommand]:
    """Return the oldest commands that are due now, at most `limit`.

    One that waits: as soon as its device is connected. One that was sent: after each birth of its device, and every
    ten minutes. One that the device has taken up: after each birth, so that it can repeat its answer. What was sent
    later than now was sent by a clock that was ahead: nobody knows when.
    """
    status = site_status.c
    sent_ms = case((command.c.sent_at_ms <= now_ms, command.c.sent_at_ms), else_=0)
    born_since = and_(status.presence == Presence.ONLINE.value, status.presence_changed_ms > sent_ms)
    reached = or_(status.presence == Presence.ONLINE.value, status.last_arrival_ms > status.presence_changed_ms)
    late = sent_ms <= now_ms - AGAIN_MS
    first = and_(command.c.state == CommandState.WAITING.value, reached)
    again = and_(command.c.state == CommandState.SENT.value, reached, or_(born_since, late))
    taken = and_(command.c.state.in_((CommandState.ACCEPTED.value, CommandState.RUNNING.value)), born_since)
    wanted = (
        select(command)
        .join(site_status, and_(status.site == command.c.site, status.device == command.c.device))
        .where(command.c.state.in_(_OPEN), command.c.expires_at_ms > now_ms, or_(first, again, taken))
        .order_by(command.c.created_at_ms, command.c.id)
        .limit(limit)
    )
    return [command_of(row) for row in unit.connection.execute(wanted)]


def claim(unit: Unit, one: DeviceCommand, now_ms: int) -> bool:
    """Note that a command is being sent now; False when another collector has just done so, or it is over.

    A birth that was taken by a clock that was ahead is from now at the latest: it is answered once, and what is lost is
    sent again ten minutes later by the clock of now, not once the time of then has come.
    """
    same = (command.c.id == one.id, command.c.attempts == one.attempts, command.c.state == one.state.value)
    state = CommandState.SENT if one.state is CommandState.WAITING else one.state
    values = {"sent_at_ms": now_ms, "attempts": one.attempts + 1, "state": state.value}
    if not unit.connection.execute(update(command).where(*same).values(**values)).rowcount:
        return False
    mine = and_(site_status.c.site == one.site, site_status.c.device == one.device)
    ahead = update(site_status).where(mine, site_status.c.presence_changed_ms > now_ms)
    unit.connection.execute(ahead.values(presence_changed_ms=now_ms))
    return True


def has_expired(unit: Unit, now_ms: int) -> bool:
    """Say whether there is a command whose time is over and of which nobody has said so."""
    wanted = select(command.c.id).where(_over(now_ms)).limit(1)
    return unit.connection.execute(wanted).first() is not None


def expire_commands(unit: Unit, now_ms: int) -> int:
    """Let the commands be over whose time is; return how many."""
    values = {"state": CommandState.EXPIRED.value, "answered_at_ms": now_ms}
    return unit.connection.execute(update(command).where(_over(now_ms)).values(**values)).rowcount


def _over(now_ms: int) -> ColumnElement[bool]:
    under_way = tuple(set(_OPEN) - set(_UNHEARD))
    unheard = and_(command.c.state.in_(_UNHEARD), command.c.expires_at_ms <= now_ms)
    taken = and_(command.c.state.in_(under_way), command.c.expires_at_ms <= now_ms - UNDER_WAY_MS)
    return or_(unheard, taken)
