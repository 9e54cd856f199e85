"""What was told to whom, and test messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.contact_view import people_in_reach, send_test
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.notification_schemas import NotificationDocument, NotificationsDocument, NotificationsQuery
from aldea.dashboard_api.routes.documented import RESPONSES, SITE_RESPONSES
from aldea.storage.register.notifications import Notification, NotificationFilter, list_notifications

router = APIRouter(prefix="/api/v1", tags=["notifications"])


@router.get("/notifications", summary="What was told to whom", responses=RESPONSES)
def notifications(
    aldea: Aldea, visitor: SignedIn, wanted: Annotated[NotificationsQuery, Query()]
) -> NotificationsDocument:
    """List notifications, newest first: those that were sent, wait, failed, or were given up."""
    only = NotificationFilter(wanted.state, wanted.person, wanted.incident)
    with aldea.register.reading() as unit:
        reach = people_in_reach(unit, visitor, aldea.clock.wall_ms())
        found = list_notifications(unit, only, limit=wanted.limit + 1, before_id=wanted.after, recipients=reach)
    page = found[: wanted.limit]
    more = len(found) > len(page)
    return NotificationsDocument(items=[_document(item) for item in page], next=str(page[-1].id) if more else None)


@router.post("/contacts/{contact}/test", summary="Send a test message", responses=SITE_RESPONSES)
def test(aldea: Aldea, visitor: SignedIn, contact: int) -> NotificationDocument:
    """Send a test message to a contact point and answer what became of it within some seconds."""
    return _document(send_test(aldea, visitor, contact))


def _document(item: Notification) -> NotificationDocument:
    failure, _, words = (item.last_error or "").partition(": ")
    return NotificationDocument(
        id=item.id,
        key=item.key,
        incident=item.incident,
        site=item.site,
        transition=item.kind,
        person=item.recipient,
        contact=item.contact,
        channel=item.channel,
        subject=item.subject,
        state=item.state,
        attempts=item.attempts,
        created=iso(item.created_ms) or "",
        decided=iso(item.decided_ms),
        expires=iso(item.expires_ms) or "",
        message=item.message,
        failure=failure or None,
        failure_words=words or None,
    )
