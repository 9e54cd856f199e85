"""How much of what the agents recorded has arrived."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.documents import completeness_members, stream_document
from aldea.dashboard_api.routes.documented import SITE_RESPONSES
from aldea.dashboard_api.schemas import CompletenessListDocument, CompletenessQuery, SiteCompletenessDocument
from aldea.dashboard_api.site_view import known_site
from aldea.storage.register.streams import list_completeness, streams_of

router = APIRouter(prefix="/api/v1", tags=["completeness"])


@router.get("/completeness", summary="Completeness of data", responses=SITE_RESPONSES)
def completeness(
    aldea: Aldea, visitor: SignedIn, wanted: Annotated[CompletenessQuery, Query()]
) -> CompletenessListDocument:
    """Return stored, explained, open and lost rows by site; for one site also by stream, with the gaps."""
    with aldea.register.reading() as unit:
        if wanted.site is not None:
            found = known_site(aldea, unit, wanted.site, visitor).completeness
            streams = [stream_document(stream) for stream in streams_of(unit, wanted.site)]
            item = SiteCompletenessDocument(**completeness_members(found), site=wanted.site, streams=streams)
            return CompletenessListDocument(items=[item], next=None)
        visible = visible_sites(unit, visitor, aldea.clock.wall_ms())
        rows = list_completeness(
            unit, after=wanted.after, limit=wanted.limit + 1, simulated=wanted.simulated, sites=visible
        )
    page = rows[: wanted.limit]
    items = [SiteCompletenessDocument(**completeness_members(row), site=row.site) for row in page]
    return CompletenessListDocument(items=items, next=page[-1].site if len(rows) > len(page) else None)
