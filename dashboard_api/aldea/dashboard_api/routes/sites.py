"""Sites: the list, and one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.directory import listed, visible_pulses
from aldea.dashboard_api.documents import (
    device_document,
    latest_document,
    site_document,
    site_members,
    stream_document,
)
from aldea.dashboard_api.routes.documented import RESPONSES, SITE_RESPONSES
from aldea.dashboard_api.schemas import SiteDetailDocument, SitesDocument, SitesQuery
from aldea.dashboard_api.site_view import view_site
from aldea.storage.register.listing import overviews_of

router = APIRouter(prefix="/api/v1", tags=["sites"])


@router.get("/sites", summary="List sites", responses=RESPONSES)
def list_sites(aldea: Aldea, visitor: SignedIn, wanted: Annotated[SitesQuery, Query()]) -> SitesDocument:
    """List sites by id with their live state, which is worked out at the moment of asking."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        # A state is not in the database but worked out, so filtering by it needs every site.
        most = wanted.limit + 1 if wanted.state is None else None
        pulses = visible_pulses(
            unit,
            visible_sites(unit, visitor, now),
            simulated=wanted.simulated,
            search=wanted.q,
            after=wanted.after,
            limit=most,
        )
        found = [site for site in listed(pulses, now) if wanted.state in {None, site.state}]
        page = found[: wanted.limit]
        overviews = overviews_of(unit, [site.pulse.site for site in page], now)
    items = [site_document(overviews[site.pulse.site], site.state) for site in page]
    more = len(found) > len(page)
    return SitesDocument(items=items, next=page[-1].pulse.site if more else None)


@router.get("/sites/{site}", summary="One site", responses=SITE_RESPONSES)
def one_site(aldea: Aldea, visitor: SignedIn, site: str) -> SiteDetailDocument:
    """Return a site with its facts, devices, newest values and the coverage of its streams."""
    view = view_site(aldea, site, visitor)
    several: dict[str, list[object]] = {}
    for fact in view.facts:
        several.setdefault(fact.fact, []).append(fact.value)
    return SiteDetailDocument(
        **site_members(view.overview, view.state),
        facts={name: values if len(values) > 1 else values[0] for name, values in several.items()},
        devices=[device_document(device, view.statuses) for device in view.devices],
        latest=[latest_document(row) for row in view.latest],
        streams=[stream_document(stream) for stream in view.streams],
    )
