"""From an occasion to notifications: who is told, in which language, once. Called in the engine's own transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.occasion import OPENING, Occasion, Transition, document_of
from aldea.alert_rules.settings import AlertSettings
from aldea.storage.register import Unit
from aldea.storage.register.contacts import ContactPoint, find_contact
from aldea.storage.register.notifications import (
    Notification,
    NotificationFilter,
    enqueue,
    list_notifications,
    notification_key,
)
from aldea.storage.register.recipients import Recipient, first_line, recipients_for, recipients_for_sites

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
TEST_EXPIRES_MS = 600_000
MOST_CONTACTS = 1000


@dataclass(frozen=True, slots=True)
class Announcer:
    """Makes notifications. Needs no clock and no socket: the moment is an argument, sending is the dispatcher's."""

    settings: AlertSettings
    writer: Writer

    def announce(self, unit: Unit, occasion: Occasion, at_ms: int) -> int:
        """Put what must be said of an occasion into the outbox; return how many notifications are new.

        A start is told to the nearest people who can be reached; what follows (resolved, revised …) to those who
        were told of the start. Simulated sites have no recipients. Doing it again changes nothing.
        """
        points: Sequence[ContactPoint]
        if occasion.transition in OPENING:
            points = [point for one in first_line(self.audience(unit, occasion, at_ms)) for point in one.contacts]
        else:
            points = told(unit, occasion.incident)
        try:
            notifications = self.compose(occasion, points, at_ms)
        except Exception:
            log.exception("%s of %s could not be worded: nobody is told", occasion.transition, occasion.incident)
            return 0
        return enqueue(unit, notifications)

    def announce_test(self, unit: Unit, contact: int, nonce: str, at_ms: int, zone: str) -> str | None:
        """Put a test message to one contact point into the outbox; return its key, None where there is no such point.

        `nonce` tells this test from others; `zone` (IANA) is whose time the message names.
        """
        point = find_contact(unit, contact)
        if point is None:
            return None
        about = Occasion(incident=f"test-{nonce}", transition=Transition.TEST, opened_ms=at_ms, zone=zone)
        (made,) = self.compose(about, [point], at_ms)
        # The tester waits for the answer: what is not sent soon is asked for again.
        enqueue(unit, [replace(made, incident=None, expires_ms=at_ms + TEST_EXPIRES_MS)])
        return made.key

    def audience(self, unit: Unit, occasion: Occasion, at_ms: int) -> tuple[Recipient, ...]:
        """Return everybody who may be told of it, nearest first."""
        if occasion.site is None and occasion.sites:
            return recipients_for_sites(unit, occasion.sites, at_ms)
        return recipients_for(unit, occasion.site, at_ms)

    def compose(self, occasion: Occasion, points: Iterable[ContactPoint], at_ms: int) -> tuple[Notification, ...]:
        """Return one notification for each contact point, written in its language."""
        return tuple(self._one(occasion, point, at_ms) for point in points)

    def _one(self, occasion: Occasion, point: ContactPoint, at_ms: int) -> Notification:
        language = point.language or self.settings.language
        message = self.writer.render(occasion, language)
        channel = f"{point.kind}.{point.id}"
        key = notification_key(occasion.incident, occasion.step, channel, point.person)
        return Notification(
            key=key,
            incident=occasion.incident or None,
            site=occasion.site,
            kind=occasion.transition.value,
            recipient=point.person,
            contact=point.id,
            channel=point.kind,
            language=language,
            subject=message.subject,
            body=message.body,
            short=message.short,
            created_ms=at_ms,
            not_before_ms=at_ms,
            expires_ms=at_ms + round(self.settings.expire_hours * HOUR_MS),
            collapse_key=f"{occasion.incident}:{point.id}",
            document=document_of(occasion, key),
            urgent=occasion.breaks_quiet,
        )


def told(unit: Unit, incident: str) -> Sequence[ContactPoint]:
    """Return the contact points that were told of an incident, and are still there and switched on."""
    said = list_notifications(unit, NotificationFilter(incident=incident), limit=MOST_CONTACTS)
    points = (find_contact(unit, contact) for contact in sorted({item.contact for item in said}))
    return [point for point in points if point is not None and point.enabled]
