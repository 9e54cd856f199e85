"""The page that says who did what."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.web.audit_words import ACTION_WORDS, DETAIL_WORDS
from aldea.dashboard_api.web.manage_words import FACT_LABELS
from aldea.storage.register.audit import list_audit
from aldea.storage.register.people import list_people

router = APIRouter(include_in_schema=False)

PAGE = 100


@router.get("/admin/audit")
def deeds(aldea: Aldea, request: Request, before: int | None = None) -> Response:
    """Show who did what."""
    with aldea.register.reading() as unit:
        found = list_audit(unit, before=before, limit=PAGE + 1)
        names = {person.id: person.label for person in list_people(unit)}
    return aldea.pages.render(
        request,
        "access_audit.html",
        shown=aldea.pages.shown(request, aldea.clock.wall_ms()),
        zone=aldea.pages.zone,
        entries=found[:PAGE],
        behind=found[PAGE - 1].id if len(found) > PAGE else None,
        names=names,
        action_words=ACTION_WORDS,
        detail_words=DETAIL_WORDS,
        fact_words=FACT_LABELS,
    )
