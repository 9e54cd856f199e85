"""The indicators: the catalogue, and the published values."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.figures.asking import Wanted, area_of, own_evidence, period_faults, split_faults
from aldea.dashboard_api.figures.places import Places
from aldea.dashboard_api.figures.reading import Reader
from aldea.dashboard_api.figures.rights import Rights
from aldea.dashboard_api.figures.schemas import (
    AreaDocument,
    IndicatorDocument,
    IndicatorsDocument,
    LanguageQuery,
    ThresholdDocument,
    ValueDocument,
    ValuesDocument,
    ValuesQuery,
)
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.problems import Fault, Problem, bad_request
from aldea.dashboard_api.routes.documented import RESPONSES, SITE_RESPONSES
from aldea.dashboard_api.web.words import LANGUAGES, chosen_language
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.indicator import SITE_MARKS, Indicator
from aldea.indicators.stored import value_of
from aldea.indicators.terms import Level, Setting
from aldea.storage.register import Unit
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.indicator_values import IndicatorValue, find_value, known_periods
from aldea.storage.register.programmes import find_programme

router = APIRouter(prefix="/api/v1", tags=["indicators"])


@router.get("/indicators", summary="The catalogue of indicators", responses=RESPONSES)
def catalogue(request: Request, wanted: Annotated[LanguageQuery, Query()]) -> IndicatorsDocument:
    """List the indicators in the order of the four steps, in the language that is asked for."""
    language = _language(request, wanted.lang)
    return IndicatorsDocument(items=[_described(entry, language) for entry in CATALOGUE.values()], next=None)


@router.get("/indicators/{indicator}", summary="One indicator", responses=SITE_RESPONSES)
def one_indicator(request: Request, indicator: str, wanted: Annotated[LanguageQuery, Query()]) -> IndicatorDocument:
    """Return what an indicator means, how it is worked out, and by which method's version."""
    return _described(known_indicator(indicator), _language(request, wanted.lang))


@router.get("/indicators/{indicator}/values", summary="Values of an indicator", responses=SITE_RESPONSES)
def values(aldea: Aldea, visitor: SignedIn, indicator: str, asked: Annotated[ValuesQuery, Query()]) -> ValuesDocument:
    """Return published values by period and area, newest revisions.

    Who sees only some programmes or states gets the figures that lie wholly within them, and for others is told
    what to ask for. Counts of few people are hidden, and what would give them away.
    """
    entry = known_indicator(indicator)
    with aldea.register.reading() as unit:
        places = Places(unit, aldea.clock.wall_ms(), simulated=asked.simulated)
        wanted = _checked(unit, entry, asked, places)
        rights = Rights.of(visitor, places)
        _refuse_outside(rights, wanted)
        rows = _page(Reader(unit, places, rights), entry, wanted, asked)
        page = rows[: asked.limit]
        names = places.names(wanted.level, {row.area_code for row in page})
    following = str(page[-1].id) if len(rows) > len(page) else None
    return ValuesDocument(items=[_document(row, names) for row in page], next=following)


def known_indicator(indicator: str) -> Indicator:
    """Return an indicator of the catalogue. Raises Problem (404) for any other id."""
    found = CATALOGUE.get(indicator)
    if found is None:
        raise Problem(404, f"There is no indicator {indicator[:60]!r}: /api/v1/indicators lists those there are.")
    return found


def _checked(unit: Unit, entry: Indicator, asked: ValuesQuery, places: Places) -> Wanted:
    split = {"sex": asked.sex, "age_band": asked.age, "wave": asked.wave, "evidence": asked.evidence}
    given = {name: value for name, value in split.items() if value is not None}
    if own_evidence(entry, given.get("evidence", "")):
        del given["evidence"]
    area = area_of(asked.area, places)
    faults = [*period_faults(asked.period), *split_faults(entry, given)]
    if isinstance(area, Fault):
        faults.append(area)
    if asked.setting not in tuple(Setting):
        faults.append(Fault("setting", f"setting is {asked.setting!r}: use rural or urban."))
    if asked.programme and find_programme(unit, asked.programme) is None:
        faults.append(Fault("programme", f"There is no programme {asked.programme[:40]!r}: leave it out for all."))
    if faults or isinstance(area, Fault):
        raise bad_request(faults)
    level, code = area
    return Wanted(asked.simulated, level, code, asked.period, asked.programme, Setting(asked.setting), given)


def _refuse_outside(rights: Rights, wanted: Wanted) -> None:
    if wanted.code is None or rights.may_see(wanted.level, wanted.code, wanted.programme):
        return
    if wanted.level is Level.SITE and not any(
        rights.may_see(wanted.level, wanted.code, one.programme) for one in rights.held
    ):
        raise Problem(404, f"There is no site {wanted.code[:60]!r}: /api/v1/sites lists those there are.")
    raise Problem(403, rights.sentence, [Fault("area", rights.sentence)])


def _page(reader: Reader, entry: Indicator, wanted: Wanted, asked: ValuesQuery) -> list[IndicatorValue]:
    """Return the values from behind the cursor on: as many as are asked for, and more where there are more."""
    unit, after = reader.unit, asked.after
    periods = [wanted.period] if wanted.period else list(known_periods(unit, simulated=wanted.simulated))
    if after is None and wanted.code is not None:
        return reader.rows(entry, wanted, periods)
    behind: int | None = None
    if after is not None:
        begun = find_value(unit, int(after)) if after.isdecimal() and len(after) < 19 else None
        if begun is None or begun.period not in periods or not _is_asked_for(begun, entry, wanted):
            raise _no_cursor()
        behind, periods = begun.id, periods[periods.index(begun.period) :]
    rows: list[IndicatorValue] = []
    # All areas of a level are read a period at a time: the first page is not to cost what all of them do.
    for period in periods:
        missing = asked.limit + 1 - len(rows)
        try:
            rows += reader.page(entry, wanted, period, limit=missing, after=behind)
        except (LookupError, RegisterError):
            raise _no_cursor() from None
        behind = None
        if len(rows) > asked.limit:
            break
    return rows


def _is_asked_for(value: IndicatorValue, entry: Indicator, wanted: Wanted) -> bool:
    place = (value.indicator, value.area_level, value.programme, value.simulated)
    same = place == (entry.id, wanted.level, wanted.programme, wanted.simulated) and value.newest
    same = same and wanted.code in {None, value.area_code}
    return same and (bool(wanted.split) or dict(value.disagg) == wanted.disagg)


def _no_cursor() -> Problem:
    sentence = "after is no cursor of this list, or its value was replaced meanwhile: begin anew without it."
    return bad_request([Fault("after", sentence)])


def _language(request: Request, lang: str | None) -> str:
    if lang is not None and lang not in LANGUAGES:
        raise bad_request([Fault("lang", f"lang is {lang!r}: use {' or '.join(LANGUAGES)}.")])
    return chosen_language(request)


def _described(entry: Indicator, language: str) -> IndicatorDocument:
    limit = entry.threshold
    marks = {name: list(values) for name, values in entry.marks.items()}
    return IndicatorDocument(
        id=entry.id,
        step=entry.step.value,
        name=entry.name.said(language),
        definition=entry.definition.said(language),
        formula=entry.formula.said(language),
        numerator=entry.numerator.said(language),
        denominator=entry.denominator.said(language),
        unit=entry.unit,
        direction=entry.direction.value,
        evidence=[evidence.value for evidence, _, _ in entry.series()],
        method=entry.method_name,
        method_version=entry.method_version,
        inputs=list(entry.inputs),
        time_rule=entry.time_rule.value,
        space_rule=entry.space_rule.value,
        disaggregations={**{name: [] for name in SITE_MARKS}, **marks},
        threshold=None
        if limit is None
        else ThresholdDocument(good=limit.good, fair=limit.fair, source=limit.source.said(language)),
        source=entry.source.said(language),
    )


def _document(row: IndicatorValue, names: dict[tuple[str, str], str]) -> ValueDocument:
    value = value_of(row)
    return ValueDocument(
        indicator=row.indicator,
        method_version=row.method_version,
        area=AreaDocument(
            level=row.area_level,
            code=row.area_code,
            name=names.get((row.area_level, row.area_code), row.area_code),
        ),
        period=row.period,
        programme=row.programme,
        disagg=dict(row.disagg),
        simulated=row.simulated,
        value=row.value,
        shown=value.shown,
        unit=row.unit,
        numerator=row.numerator,
        denominator=row.denominator,
        coverage=row.coverage,
        bounds=value.bounds,
        ci95=value.ci95,
        n=row.n,
        sites_reporting=row.sites_reporting,
        sites_expected=row.sites_expected,
        evidence=row.evidence,
        status=row.status,
        notes=list(row.notes),
        revision=row.revision,
        closed=row.closed,
        computed=iso(row.computed_at_ms),
    )
