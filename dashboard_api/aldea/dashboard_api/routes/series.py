"""A site's series as columns, and which series it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.dashboard_api.routes.documented import SITE_RESPONSES
from aldea.dashboard_api.schemas import (
    ColumnsDocument,
    MeasuredDocument,
    MeasurementsDocument,
    SeriesDocument,
    SeriesQuery,
)
from aldea.dashboard_api.series_query import MAX_POINTS, checked_query
from aldea.dashboard_api.site_view import known_site
from aldea.model import series as model
from aldea.model.catalogue import CATALOGUE, Kind, field_of

router = APIRouter(prefix="/api/v1", tags=["series"])


@router.get("/sites/{site}/measurements", summary="Which series a site has", responses=SITE_RESPONSES)
def measurements(aldea: Aldea, visitor: SignedIn, site: str) -> MeasurementsDocument:
    """List every series of a site with the fields it has had."""
    _must_exist(aldea, site, visitor)
    found = sorted(aldea.series.catalogue(site), key=lambda info: (info.measurement, info.tags, info.device))
    return MeasurementsDocument(items=[_measured(info) for info in found])


@router.get("/sites/{site}/series", summary="Values of one field", responses=SITE_RESPONSES)
def series(aldea: Aldea, visitor: SignedIn, site: str, wanted: Annotated[SeriesQuery, Query()]) -> SeriesDocument:
    """Return a field's values, every one or one a step, a pair of columns for each series that matches."""
    _must_exist(aldea, site, visitor)
    query = checked_query(site, wanted, aldea.clock.wall_ms(), aldea.series.catalogue(site))
    found = aldea.series.read(query)
    points = sum(len(one.times_ms) for one in found)
    if points > MAX_POINTS:
        raise bad_request([Fault("step", _too_many(points))])
    entry = field_of(query.measurement, query.field)
    return SeriesDocument(
        site=site,
        measurement=query.measurement,
        field=query.field,
        title=None if entry is None else entry.title,
        unit=None if entry is None else entry.unit,
        start=iso(query.start_ms),
        end=iso(query.end_ms),
        step_seconds=None if query.step_ms is None else query.step_ms / 1000,
        aggregate=None if query.step_ms is None else query.aggregate,
        series=[_columns(one, whole=_is_whole(query)) for one in found],
    )


def _must_exist(aldea: Context, site: str, visitor: Visitor) -> None:
    with aldea.register.reading() as unit:
        known_site(aldea, unit, site, visitor)


def _too_many(points: int) -> str:
    return (
        f"step is too fine: the answer would have {points} values, the limit is {MAX_POINTS}; "
        "give a longer step, a shorter range, or a tag."
    )


def _is_whole(query: model.Query) -> bool:
    if query.step_ms is not None and query.aggregate is model.Aggregate.COUNT:
        return True
    entry = field_of(query.measurement, query.field)
    averaged = query.step_ms is not None and query.aggregate is model.Aggregate.MEAN
    return entry is not None and entry.kind is Kind.INTEGER and not averaged


def _columns(found: model.Series, *, whole: bool) -> ColumnsDocument:
    times = found.times_ms.astype("datetime64[ms]")
    values: Sequence[Any] = found.values if isinstance(found.values, list) else _numbers(found.values, whole=whole)
    return ColumnsDocument(
        device=found.device,
        tags=dict(found.tags),
        times=np.datetime_as_string(times, unit="ms", timezone="UTC").tolist(),
        values=list(values),
    )


def _numbers(values: Any, *, whole: bool) -> list[Any]:
    if not np.isfinite(values).all():
        return [float(value) if np.isfinite(value) else None for value in values]
    return list(values.astype(np.int64).tolist() if whole else values.tolist())


def _measured(info: model.SeriesInfo) -> MeasuredDocument:
    entry = CATALOGUE.get(info.measurement)
    return MeasuredDocument(
        device=info.device,
        measurement=info.measurement,
        title=None if entry is None else entry.title,
        tags=dict(info.tags),
        fields=sorted(info.fields),
    )
