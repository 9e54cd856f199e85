"""The documents of notifications."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aldea.dashboard_api.schemas import Document, Parameters
from aldea.storage.register.notifications import NotificationState


class NotificationsQuery(Parameters):
    """Which notifications."""

    state: NotificationState | None = Field(None, description="only those in this state")
    person: Annotated[str, Field(max_length=39)] | None = Field(None, description="only those to this person")
    incident: Annotated[str, Field(max_length=64)] | None = Field(None, description="only those about this incident")
    after: Annotated[int, Field(ge=1)] | None = Field(None, description="the `next` of the page before")
    limit: Annotated[int, Field(ge=1, le=500)] = Field(100, description="how many at most")


class NotificationDocument(Document):
    """One thing told to one contact point. Addresses and tokens are in no document."""

    id: int
    key: str
    incident: str | None
    site: str | None
    transition: str
    person: str
    contact: int
    channel: str
    subject: str
    state: NotificationState
    attempts: int
    created: str
    decided: str | None
    expires: str
    message: str | None = Field(description="shared by notifications that left as one message")
    failure: str | None = Field(description="a word from a closed list, the newest failure")
    failure_words: str | None


class NotificationsDocument(Document):
    """A page of the log, newest first."""

    items: list[NotificationDocument]
    next: str | None
