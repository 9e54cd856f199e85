"""Contact points and notifications as pages and API show them: of the people that the visitor may manage."""

from __future__ import annotations

import secrets
import threading

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.settings import AlertSettings
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import SiteScope, Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.problems import Problem
from aldea.storage.register import Unit
from aldea.storage.register.contacts import ContactPoint, PersonContacts, find_contact, list_contacts
from aldea.storage.register.liveness_marks import NOTIFIER, liveness_marks
from aldea.storage.register.notifications import Notification, NotificationState, find_notification
from aldea.storage.register.people import grants_by_person

ALIVE_MS = 60_000
TEST_WAIT_SECONDS, TEST_LOOK_SECONDS = 10.0, 0.1
OPEN = (NotificationState.WAITING, NotificationState.SENDING)


def people_in_reach(unit: Unit, visitor: Visitor, at_ms: int) -> frozenset[str] | None:
    """Return the people whose contacts the visitor may manage, None for everybody.

    Whoever manages a programme or a region only, manages those whose every right lies within it, and themselves.
    """
    needed = Permission.MANAGE_CONTACTS
    if visitor.everywhere(needed):
        return None
    found = {visitor.person} if visitor.person is not None else set()
    for person, grants in grants_by_person(unit, at_ms).items():
        scopes = [SiteScope(frozenset({grant.programme} - {""}), grant.region) for grant in grants]
        if scopes and all(visitor.may(needed, scope) for scope in scopes):
            found.add(person)
    return frozenset(found)


def people_with_contacts(unit: Unit, visitor: Visitor, at_ms: int) -> tuple[PersonContacts, ...]:
    """Return the people the visitor manages, with their contact points."""
    reach = people_in_reach(unit, visitor, at_ms)
    return tuple(one for one in list_contacts(unit) if reach is None or one.person in reach)


def reachable_contact(unit: Unit, visitor: Visitor, contact: int, at_ms: int) -> ContactPoint:
    """Return one contact point; raises Problem (404) where there is none, or none that the visitor manages."""
    found = find_contact(unit, contact)
    reach = people_in_reach(unit, visitor, at_ms)
    if found is None or (reach is not None and found.person not in reach):
        raise Problem(404, f"There is no contact point {contact}: the list is at /admin/contacts.")
    return found


def notifier_alive(unit: Unit, at_ms: int) -> bool:
    """Return whether the part that sends has left a sign of life within the last minute."""
    mark = liveness_marks(unit).get(NOTIFIER)
    return mark is not None and at_ms - mark.marked_ms <= ALIVE_MS


def send_test(aldea: Context, visitor: Visitor, contact: int) -> Notification:
    """Put a test message into the outbox and return what became of it within some seconds.

    It takes the way that every notification takes, so that a notifier that is not running shows, too.
    """
    now = aldea.clock.wall_ms()
    announcer = Announcer(AlertSettings(), Writer(""))
    with aldea.register.transaction() as unit:
        reachable_contact(unit, visitor, contact, now)
        key = announcer.announce_test(unit, contact, secrets.token_hex(6), now, aldea.pages.zone.key)
        alive = notifier_alive(unit, now)
    assert key is not None
    found = _decided(aldea, key, TEST_WAIT_SECONDS if alive else 0.0)
    assert found is not None
    return found


def _decided(aldea: Context, key: str, seconds: float) -> Notification | None:
    pause, looks = threading.Event(), round(seconds / TEST_LOOK_SECONDS)
    while True:
        with aldea.register.reading() as unit:
            found = find_notification(unit, key)
        if looks <= 0 or found is None or found.state not in OPEN:
            return found
        looks -= 1
        pause.wait(TEST_LOOK_SECONDS)
