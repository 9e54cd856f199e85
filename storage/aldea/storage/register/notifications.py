"""Notifications: what is to be said to whom, put in the same transaction as the incident, and the log of it.

The key `incident:transition:channel:recipient` is unique, so whoever enqueues a transition twice (a crash, a
second engine) has said it once. Claiming and deciding are in `notification_queue`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, func, select

from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import notification

SUBJECT_LIMIT, SHORT_LIMIT, ERROR_LIMIT = 300, 200, 500


class NotificationState(StrEnum):
    """Where a notification is: on its way, or decided."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    COLLAPSED = "collapsed"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to say to one contact point of one person.

    `kind` is the transition: fired, resolved, flapping_started, …, test. `document` is what a webhook gets, and
    what the text can be written from again. `urgent`: quiet hours do not hold it back. `expires_ms`: afterwards it
    is no news any more. `collapse_key`: a "resolved" that meets its own unsent "fired" becomes one line with it.
    What follows `urgent` is the log's part and set by the queue; `message` is shared by those that were joined.
    """

    key: str
    incident: str | None
    site: str | None
    kind: str
    recipient: str
    contact: int
    channel: str
    language: str
    subject: str
    body: str
    short: str
    created_ms: int
    not_before_ms: int
    expires_ms: int
    collapse_key: str
    document: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    urgent: bool = False
    id: int = 0
    state: NotificationState = NotificationState.WAITING
    attempts: int = 0
    next_attempt_ms: int = 0
    last_error: str | None = None
    decided_ms: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications of the log are wanted; None: any."""

    state: NotificationState | None = None
    recipient: str | None = None
    incident: str | None = None
    contact: int | None = None


def notification_key(incident: str, transition: str, channel: str, recipient: str) -> str:
    """Return the dedupe key."""
    return f"{incident}:{transition}:{channel}:{recipient}"


def enqueue(unit: Unit, notifications: Iterable[Notification]) -> int:
    """Put notifications into the outbox and return how many are new; keys that are there already are left alone."""
    new = 0
    for item in notifications:
        values = {
            "key": item.key,
            "incident": item.incident,
            "site": item.site,
            "kind": item.kind,
            "recipient": item.recipient,
            "contact": item.contact,
            "channel": item.channel,
            "language": item.language,
            "urgent": item.urgent,
            "subject": clean_text(item.subject)[:SUBJECT_LIMIT],
            "body": clean_text(item.body),
            "short": clean_text(item.short)[:SHORT_LIMIT],
            "document": plain(dict(item.document)),
            "collapse_key": item.collapse_key,
            "created_ms": item.created_ms,
            "not_before_ms": item.not_before_ms,
            "expires_ms": item.expires_ms,
            "state": NotificationState.WAITING.value,
            "attempts": 0,
            "next_attempt_ms": item.not_before_ms,
        }
        statement = insert(unit, notification).on_conflict_do_nothing(index_elements=["key"])
        made = unit.connection.execute(statement.values(**values).returning(notification.c.id))
        new += made.first() is not None
    return new


def list_notifications(
    unit: Unit,
    wanted: NotificationFilter,
    *,
    limit: int,
    before_id: int | None = None,
    recipients: Collection[str] | None = None,
) -> tuple[Notification, ...]:
    """Return notifications, newest first; `before_id` continues a list, `recipients` limits it to these people."""
    chosen = select(notification)
    for name in ("state", "recipient", "incident", "contact"):
        value = getattr(wanted, name)
        if value is not None:
            chosen = chosen.where(notification.c[name] == value)
    if recipients is not None:
        chosen = chosen.where(notification.c.recipient.in_(sorted(recipients)))
    if before_id is not None:
        chosen = chosen.where(notification.c.id < before_id)
    rows = unit.connection.execute(chosen.order_by(notification.c.id.desc()).limit(limit))
    return tuple(notification_of(row) for row in rows)


def find_notification(unit: Unit, key: str) -> Notification | None:
    """Return the notification with this dedupe key, or None."""
    row = unit.connection.execute(select(notification).where(notification.c.key == key)).first()
    return None if row is None else notification_of(row)


def last_tests(unit: Unit, contacts: Sequence[int]) -> Mapping[int, Notification]:
    """Return the newest test message of each contact point that had one."""
    newest = (
        select(func.max(notification.c.id))
        .where(notification.c.kind == "test", notification.c.contact.in_(contacts))
        .group_by(notification.c.contact)
    )
    rows = unit.connection.execute(select(notification).where(notification.c.id.in_(newest)))
    return {row.contact: notification_of(row) for row in rows}


def count_by_state(unit: Unit, recipients: Collection[str] | None = None) -> Mapping[NotificationState, int]:
    """Return how many notifications there are in each state, zeros included; of `recipients`, or of everybody."""
    counted = select(notification.c.state, func.count()).group_by(notification.c.state)
    if recipients is not None:
        counted = counted.where(notification.c.recipient.in_(sorted(recipients)))
    found = {str(state): int(count) for state, count in unit.connection.execute(counted)}
    return {state: found.get(state.value, 0) for state in NotificationState}


def notification_of(row: Row[Any]) -> Notification:
    """Return the notification whose columns are in `row`."""
    values = dict(row._mapping)
    values["state"] = NotificationState(values["state"])
    return Notification(**values)
