"""Settled truth of a site: its intervals and its availability."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.incident_view import told_of
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.routes.documented import SITE_RESPONSES
from aldea.dashboard_api.site_view import known_site
from aldea.dashboard_api.truth_schemas import (
    AvailabilityDocument,
    AvailabilityQuery,
    BoundsDocument,
    DurationsDocument,
    IntervalDocument,
    IntervalsDocument,
    WindowQuery,
)
from aldea.dashboard_api.truth_view import Truth, checked_window, read_truth
from aldea.model.truth import Durations, Interval

router = APIRouter(prefix="/api/v1", tags=["truth"])


@router.get("/sites/{site}/intervals", summary="What a site was, and why", responses=SITE_RESPONSES)
def intervals(aldea: Aldea, visitor: SignedIn, site: str, wanted: Annotated[WindowQuery, Query()]) -> IntervalsDocument:
    """Return up, down, planned, off and unknown time with its cause and evidence, cut to the window."""
    found = _truth(aldea, visitor, site, wanted)
    with aldea.register.reading() as unit:
        visible = visible_sites(unit, visitor, aldea.clock.wall_ms())
    items = [_interval(one, found.settled_ms, visible) for one in found.intervals]
    return IntervalsDocument(
        site=site,
        start=str(iso(found.start_ms)),
        end=str(iso(found.end_ms)),
        settled_until=iso(found.settled_ms),
        items=items,
    )


@router.get("/sites/{site}/availability", summary="How available a site was", responses=SITE_RESPONSES)
def availability(
    aldea: Aldea, visitor: SignedIn, site: str, wanted: Annotated[AvailabilityQuery, Query()]
) -> AvailabilityDocument:
    """Return how long it was up, down, planned, off and unknown, and the ratios that follow."""
    found = _truth(aldea, visitor, site, wanted)
    sums = found.durations
    bounds = sums.bounds
    return AvailabilityDocument(
        site=site,
        start=str(iso(found.start_ms)),
        end=str(iso(found.end_ms)),
        durations=_durations(sums),
        service_ratio=found.service_ratio,
        experienced_ratio=found.experienced_ratio,
        coverage_ratio=sums.coverage_ratio,
        service_bounds=None if bounds is None else BoundsDocument(low=bounds.low, high=bounds.high),
        status=found.status,
        settled_until=iso(found.settled_ms),
        provisional=found.provisional,
    )


def _truth(aldea: Aldea, visitor: SignedIn, site: str, wanted: WindowQuery) -> Truth:
    with aldea.register.reading() as unit:
        known_site(aldea, unit, site, visitor)
        return read_truth(unit, site, *checked_window(wanted.start, wanted.end, aldea.clock.wall_ms()))


def _interval(one: Interval, settled_ms: int | None, visible: frozenset[str] | None) -> IntervalDocument:
    return IntervalDocument(
        start=str(iso(one.start_ms)),
        end=str(iso(one.end_ms)),
        state=one.state,
        cause=one.cause,
        evidence=told_of(one.evidence, visible),
        provisional=settled_ms is None or one.end_ms > settled_ms,
    )


def _durations(sums: Durations) -> DurationsDocument:
    return DurationsDocument(
        up_seconds=sums.up_ms / 1000,
        down_seconds=sums.down_ms / 1000,
        planned_seconds=sums.planned_ms / 1000,
        off_seconds=sums.off_ms / 1000,
        unknown_seconds=sums.unknown_ms / 1000,
    )
