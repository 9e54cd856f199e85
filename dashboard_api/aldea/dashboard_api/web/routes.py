"""The pages' addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.axes import span_named
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.problems import Fault, Problem, bad_request
from aldea.dashboard_api.web.site_list import ListWish, site_list
from aldea.dashboard_api.web.site_page import site_page
from aldea.model.liveness import SiteState

router = APIRouter(include_in_schema=False)

KINDS = ("", "real", "simulated")


class ListQuery(BaseModel):
    """Which sites, as the address says it."""

    q: str = Field("", max_length=80)
    state: str = ""
    kind: str = ""
    programme: str = Field("", max_length=39)
    incident: str = ""
    page: int = Field(1, ge=1, le=100_000)


@router.get("/")
def sites(aldea: Aldea, request: Request, visitor: SignedIn, asked: Annotated[ListQuery, Query()]) -> Response:
    """Show the sites."""
    for name, known in (("kind", KINDS[1:]), ("state", tuple(SiteState)), ("incident", ("open",))):
        value = str(getattr(asked, name))
        if value and value not in known:
            raise bad_request([Fault(name, f"{name} is {value[:40]!r}: use {' or '.join(known)}.")])
    wish = ListWish(
        asked.q.strip(),
        SiteState(asked.state) if asked.state else None,
        asked.kind,
        asked.page,
        asked.programme.strip(),
        bool(asked.incident),
    )
    return aldea.pages.render(request, "sites.html", **site_list(aldea, request, visitor, wish))


@router.get("/sites/{site}")
def one_site(aldea: Aldea, request: Request, visitor: SignedIn, site: str, span: str | None = None) -> Response:
    """Show one site."""
    chosen = span_named(span)
    if chosen is None:
        raise bad_request([Fault("span", "span is not one that is offered: use 1h, 24h, 7d or 30d.")])
    return aldea.pages.render(request, "site.html", **site_page(aldea, request, visitor, site, chosen))


@router.get("/static/{tag}/{name}")
def static(aldea: Aldea, request: Request, tag: str, name: str) -> Response:
    """Serve a file that pages use; its address changes with its content, so it may be kept for ever."""
    found = aldea.pages.assets.get(name)
    if found is None or found.tag != tag:
        raise Problem(404, f"There is no file {name[:60]!r} of that version: load the page again.")
    headers = {"ETag": f'"{tag}"', "Cache-Control": "public, max-age=31536000, immutable"}
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


@router.get("/favicon.ico")
def favicon(aldea: Aldea) -> Response:
    """Serve the mark to browsers that ask without being told."""
    found = aldea.pages.assets["icon.svg"]
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": "max-age=86400"})
