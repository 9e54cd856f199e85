"""The API's documents of incidents."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from aldea.dashboard_api.schemas import Document, Parameters
from aldea.model.truth import Cause

EXAMPLE: JsonDict = {
    "id": "escuela-01-20261122-1",
    "site": "escuela-01",
    "sites": ["escuela-01"],
    "rule": "site-silent",
    "state": "firing",
    "cause": "backhaul",
    "reason": {"en": "Nothing has arrived since 05:12 (5 h 48 min ago); its agent sends every 5 min."},
    "opened": "2026-11-22T11:00:00Z",
    "fired": "2026-11-22T11:15:00Z",
    "resolved": None,
    "owner": None,
    "acknowledged_by": "tecnica",
    "acknowledged": "2026-11-22T12:00:00Z",
    "revision": 0,
    "simulated": False,
    "parent": None,
}


class IncidentsQuery(Parameters):
    """Which incidents, and where in the list."""

    state: Literal["firing", "resolved"] | None = Field(None, description="Only open ones, or only those over.")
    cause: Cause | None = Field(None, description="Only those of this cause.")
    site: str | None = Field(None, max_length=39, description="Only those that concern this site, groups included.")
    simulated: bool = Field(default=False, description="Those of simulated sites in place of real ones.")
    after: str | None = Field(None, max_length=64, description="The cursor: `next` of the page before.")
    limit: int = Field(100, ge=1, le=500, description="How many items at most.")


class AcknowledgeBody(Parameters):
    """What may be said with it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "On my way tomorrow at nine."}]})

    note: str = Field("", max_length=2000)


class CommentBody(Parameters):
    """What is said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "Replaced the power supply."}]})

    text: str = Field(max_length=2000)


class IncidentDocument(Document):
    """An incident. `site` null: of a group (`sites`) or, with no sites, of the platform itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: str
    site: str | None
    sites: list[str]
    rule: str
    state: str
    cause: str
    reason: dict[str, str] = Field(description="Why, in words, by language.")
    opened: str | None = Field(description="Since when it is so.")
    fired: str | None = Field(description="When the rule's hold was over.")
    resolved: str | None = Field(description="Until when it was so.")
    owner: str | None
    acknowledged_by: str | None
    acknowledged: str | None
    revision: int = Field(description="How often late data has changed it.")
    simulated: bool
    parent: str | None = Field(description="The incident that this one is part of.")


class IncidentsDocument(Document):
    """One page of incidents."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next": None}]})

    items: list[IncidentDocument]
    next: str | None


class EventDocument(Document):
    """An entry of a timeline. `author` null: the alert engine."""

    at: str
    kind: str
    author: str | None
    detail: dict[str, Any]


class IncidentDetailDocument(IncidentDocument):
    """An incident with its timeline, oldest first, and the ids of the incidents that are part of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE,
                    "summary": {},
                    "timeline": [
                        {"at": "2026-11-22T11:00:00Z", "kind": "opened", "author": None, "detail": {}},
                        {"at": "2026-11-22T12:00:00Z", "kind": "acknowledged", "author": "tecnica", "detail": {}},
                    ],
                    "parts": [],
                }
            ]
        }
    )

    summary: dict[str, Any]
    timeline: list[EventDocument]
    parts: list[str]
