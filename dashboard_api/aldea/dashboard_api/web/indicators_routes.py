"""The addresses of the four steps' pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.routes.indicators import known_indicator
from aldea.dashboard_api.web.indicators_choice import PageQuery
from aldea.dashboard_api.web.indicators_page import four_steps, one_indicator

router = APIRouter(include_in_schema=False)


@router.get("/indicators")
def steps(aldea: Aldea, request: Request, visitor: SignedIn, asked: Annotated[PageQuery, Query()]) -> Response:
    """Show the four steps of one area and month."""
    return aldea.pages.render(request, "indicators.html", **four_steps(aldea, request, visitor, asked))


@router.get("/indicators/{indicator}")
def indicator_page(
    aldea: Aldea, request: Request, visitor: SignedIn, indicator: str, asked: Annotated[PageQuery, Query()]
) -> Response:
    """Show one indicator: what it means, its months, and its parts."""
    entry = known_indicator(indicator)
    return aldea.pages.render(request, "indicator.html", **one_indicator(aldea, request, visitor, entry, asked))
