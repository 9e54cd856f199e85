"""The outbox's other end: what is due, claiming it, and writing down what became of it.

A contact point's notifications are one queue: they are sent in order, and one worker at a time. A claim lasts
until `next_attempt_ms`; afterwards the worker counts as dead and another takes it up. Who dies between the
provider's yes and the commit has therefore made one repeat possible, never a loss.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, exists, func, or_, select, update

from aldea.storage.register.contacts import ContactPoint, find_contact
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.notifications import ERROR_LIMIT, Notification, NotificationState, notification_of
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import contact_point, notification

_OPEN = (NotificationState.WAITING.value, NotificationState.SENDING.value)


def due_contacts(unit: Unit, at_ms: int, limit: int) -> tuple[int, ...]:
    """Return contact points that something is due for and no living worker has claimed, longest due first."""
    other = notification.alias()
    claimed = exists().where(
        other.c.contact == notification.c.contact,
        other.c.state == NotificationState.SENDING.value,
        other.c.next_attempt_ms > at_ms,
    )
    due = (
        select(notification.c.contact)
        .where(notification.c.state.in_(_OPEN), notification.c.next_attempt_ms <= at_ms, ~claimed)
        .group_by(notification.c.contact)
        .order_by(func.min(notification.c.next_attempt_ms), notification.c.contact)
        .limit(limit)
    )
    return tuple(unit.connection.execute(due).scalars())


def lock_queue(unit: Unit, contact: int, at_ms: int) -> tuple[ContactPoint | None, tuple[Notification, ...]]:
    """Return the contact point and what is open for it, oldest first; nothing where another worker holds it.

    The point is None when it was removed: what waits for it can only be given up.
    """
    held = select(contact_point.c.id).where(contact_point.c.id == contact).with_for_update(skip_locked=True)
    locked = unit.connection.execute(held).first() is not None
    point = find_contact(unit, contact)
    if point is not None and not locked:
        return point, ()
    mine = select(notification).where(notification.c.contact == contact, notification.c.state.in_(_OPEN))
    found = tuple(notification_of(row) for row in unit.connection.execute(mine.order_by(notification.c.id)))
    taken = any(item.state is NotificationState.SENDING and item.next_attempt_ms > at_ms for item in found)
    return point, () if taken else found


def claim(unit: Unit, ids: Collection[int], message: str, until_ms: int) -> None:
    """Note that `ids` are being sent as one `message`, by a worker who will have decided by `until_ms`."""
    _change(unit, ids, state="sending", message=message, next_attempt_ms=until_ms, attempts=notification.c.attempts + 1)


def rewrite(unit: Unit, notification_id: int, subject: str, body: str, short: str) -> None:
    """Replace the text: it now also says what was collapsed into it."""
    _change(unit, [notification_id], subject=subject, body=body, short=short)


def note_collapsed(unit: Unit, ids: Collection[int], at_ms: int) -> None:
    """Note that `ids` will be said together with what came after them."""
    _change(unit, ids, state="collapsed", message=None, decided_ms=at_ms)


def note_sent(unit: Unit, ids: Collection[int], message: str, at_ms: int) -> None:
    """Note that the provider has taken `message`."""
    _change(unit, ids, state="sent", message=message, decided_ms=at_ms, last_error=None)


def note_failed(unit: Unit, ids: Collection[int], error: str, at_ms: int) -> None:
    """Note that `ids` will not be tried again, and why."""
    _change(unit, ids, state="failed", decided_ms=at_ms, last_error=_error(error))


def try_again(unit: Unit, ids: Collection[int], message: str, next_ms: int, error: str) -> None:
    """Let a failed message wait for its next attempt, unless somebody else has decided meanwhile."""
    mine = notification.c.id.in_(ids) & (notification.c.state == "sending") & (notification.c.message == message)
    waiting = {"state": "waiting", "message": None, "next_attempt_ms": next_ms, "last_error": _error(error)}
    unit.connection.execute(update(notification).where(mine).values(**waiting))


def hold(unit: Unit, ids: Collection[int], until_ms: int) -> None:
    """Let `ids` wait at least until `until_ms`."""
    later = notification.c.id.in_(ids) & (notification.c.next_attempt_ms < until_ms)
    unit.connection.execute(
        update(notification).where(later).values(state="waiting", message=None, next_attempt_ms=until_ms)
    )


def hold_queue(unit: Unit, contact: int, until_ms: int) -> None:
    """Let all that waits for a contact point wait for its provider: the order is kept."""
    mine = (notification.c.contact == contact) & (notification.c.state == "waiting")
    later = mine & (notification.c.next_attempt_ms < until_ms)
    unit.connection.execute(update(notification).where(later).values(next_attempt_ms=until_ms))


def expire(unit: Unit, at_ms: int) -> int:
    """End what could not be sent in time and return how many; the log keeps the last error."""
    waits = notification.c.state == "waiting"
    abandoned = (notification.c.state == "sending") & (notification.c.next_attempt_ms <= at_ms)
    old = (notification.c.expires_ms <= at_ms) & or_(waits, abandoned)
    ended = update(notification).where(old).values(state="expired", decided_ms=at_ms)
    return int(unit.connection.execute(ended).rowcount)


def anything_to_do(unit: Unit, at_ms: int) -> bool:
    """Return whether something is due or has expired: asked before the write lock is taken."""
    past = or_(notification.c.next_attempt_ms <= at_ms, notification.c.expires_ms <= at_ms)
    wanted = select(notification.c.id).where(notification.c.state.in_(_OPEN), past).limit(1)
    return unit.connection.execute(wanted).first() is not None


def recent_sends(unit: Unit, contact: int, since_ms: int) -> tuple[int, ...]:
    """Return when messages went to a contact point after `since_ms`, oldest first; joined ones count once."""
    mine = (notification.c.contact == contact) & (notification.c.state == "sent")
    times = (
        select(func.max(notification.c.decided_ms).label("at_ms"))
        .where(mine, notification.c.decided_ms > since_ms, notification.c.kind != "test")
        .group_by(notification.c.message)
    )
    return tuple(sorted(unit.connection.execute(times).scalars()))


def trim_notifications(unit: Unit, before_ms: int) -> int:
    """Remove decided notifications that were made before `before_ms`; return how many."""
    old = (notification.c.created_ms < before_ms) & notification.c.state.not_in(_OPEN)
    return int(unit.connection.execute(delete(notification).where(old)).rowcount)


def _change(unit: Unit, ids: Collection[int], **values: Any) -> None:
    if ids:
        unit.connection.execute(update(notification).where(notification.c.id.in_(ids)).values(**values))


def _error(text: str) -> str:
    return clean_text(text)[:ERROR_LIMIT]
