"""The addresses of records: what is owed, the forms, one record, and the sheet to print."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Fault, bad_request, stated
from aldea.dashboard_api.record_intake import (
    RECORD,
    Intake,
    check,
    form_called,
    programme_choices,
    store,
    with_programme,
    writable_site,
)
from aldea.dashboard_api.schemas import Parameters
from aldea.dashboard_api.web.record_forms import (
    ROWS_MORE,
    Sent,
    SentForm,
    first_values,
    form_values,
    new_token,
    typed_of,
)
from aldea.dashboard_api.web.record_list import RecordWish, record_list
from aldea.dashboard_api.web.record_page import found_record
from aldea.dashboard_api.web.record_words import form_texts
from aldea.model.forms import Definition, laid_out, load_forms, typed_from_payload
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.listing import SiteFilter, list_sites
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.record_moment import moment_at
from aldea.storage.register.records import Record
from aldea.storage.register.register import Unit
from aldea.storage.register.reporting import month_span
from aldea.storage.register.sites import Site

router = APIRouter(include_in_schema=False)

KINDS = ("real", "simulated")
STORED = N_("Stored. You can correct or withdraw it at any time.")


class RecordsQuery(Parameters):
    """Which records, as the address says it."""

    month: str = Field("", max_length=7)
    kind: str = ""
    form: str = Field("", max_length=40)
    site: str = Field("", max_length=39)
    owed: str = Field("", max_length=10)
    page: int = Field(1, ge=1, le=10_000)
    after: str | None = Field(None, max_length=90)
    lang: str = ""
    fragment: str = ""


@router.get("/records")
def records(aldea: Aldea, request: Request, visitor: SignedIn, asked: Annotated[RecordsQuery, Query()]) -> Response:
    """Show what is owed and what was entered."""
    now = datetime.fromtimestamp(aldea.clock.wall_ms() / 1000, aldea.pages.zone)
    month = asked.month.replace("-", "") or f"{now:%Y%m}"
    if asked.kind not in {"", *KINDS}:
        raise bad_request([Fault("kind", f"kind is {asked.kind[:20]!r}: use real or simulated.")])
    if asked.form and asked.form not in load_forms():
        raise bad_request([Fault("form", f"form is {asked.form!r}: use one of {', '.join(load_forms())}.")])
    try:
        month_span(month)
        wish = RecordWish(
            month, _simulated(aldea, asked.kind), asked.form, asked.site.strip(), asked.owed, asked.page, asked.after
        )
        values = record_list(aldea, request, visitor, wish)
    except RegisterError as error:
        raise bad_request([Fault("after" if asked.after else "month", stated(error))]) from error
    return aldea.pages.render(request, "records.html", **values)


def _simulated(aldea: Context, kind: str) -> bool:
    """Return which kind to show; unless said, the simulated one as long as there is no programme of real sites."""
    if kind:
        return kind == "simulated"
    with aldea.register.reading() as unit:
        return {item.simulated for item in list_programmes(unit)} == {True}


@router.get("/records/new/{form}")
def empty_form(aldea: Aldea, request: Request, visitor: SignedIn, form: str, site: str = "") -> Response:
    """Show a form, or (while no site is named) for which site it shall be."""
    definition, now = form_called(form), aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        if not site:
            texts = form_texts(definition, aldea.pages.language(request).code)
            sites = _sites(unit, visitor, now)
            return aldea.pages.render(request, "record_site.html", form=texts, sites=sites)
        place = writable_site(unit, visitor, site, now)
        choices = programme_choices(unit, visitor, place, now)
        asked = request.query_params.get("programme")
        programme = asked if asked in choices else next(iter(choices), "")
        today = moment_at(unit, place, "", now).today.isoformat()
        typed = first_values(definition, today, request.query_params)
        intake = Intake(definition, place.id, programme, typed, token=new_token())
        values = form_values(aldea, request, unit, visitor, intake)
    return aldea.pages.render(request, "record_form.html", **values)


@router.post("/records/new/{form}")
def fill_in(aldea: Aldea, request: Request, visitor: SignedIn, form: str, sent: SentForm) -> Response:
    """Store a form that was filled in, or show it again: with more rows, or with what is wrong."""
    definition, now = form_called(form), aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        site = writable_site(unit, visitor, sent.get("site"), now)
        intake = with_programme(_intake(definition, site, sent), programme_choices(unit, visitor, site, now))
        if sent.get("action") == "rows":
            values = form_values(aldea, request, unit, visitor, intake, more_rows=ROWS_MORE)
            return aldea.pages.render(request, "record_form.html", **values)
        return _stored(aldea, request, unit, visitor, site, intake, STORED)


@router.post("/records/nothing")
def nothing_happened(aldea: Aldea, request: Request, visitor: SignedIn, sent: SentForm) -> Response:
    """Store the explicit zero of a site, a form and a month, by one tap."""
    definition, now = load_forms()["nothing"], aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        site = writable_site(unit, visitor, sent.get("site"), now)
        intake = _intake(definition, site, sent)
        return _stored(aldea, request, unit, visitor, site, intake, N_("Noted: nothing happened."), back=_back(sent))


@router.get("/records/print/{form}")
def blank_sheet(aldea: Aldea, request: Request, form: str, site: str = "", rows: int = 20) -> Response:
    """Show a blank sheet for the printer, for days without power."""
    definition = form_called(form)
    language = aldea.pages.language(request).code
    parts = laid_out(definition, {}, (), language, more_rows=max(1, min(rows, 60)))
    texts = form_texts(definition, language)
    return aldea.pages.render(request, "record_print.html", form=texts, parts=parts, site=site[:80])


@router.get("/records/{record}/correct")
def correct(aldea: Aldea, request: Request, visitor: SignedIn, record: str) -> Response:
    """Show a stored record in its form, to be corrected."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        found, _ = found_record(unit, visitor, record, now)
        definition = form_called(found.form)
        typed = typed_from_payload(definition, found.payload)
        if definition.field("event_date") is not None:
            typed["event_date"] = found.event_date.isoformat()
        intake = _correction(definition, found, typed)
        values = form_values(aldea, request, unit, visitor, intake)
    return aldea.pages.render(request, "record_form.html", **values)


def _correction(definition: Definition, found: Record, typed: dict[str, object]) -> Intake:
    return Intake(
        definition,
        found.site,
        found.programme,
        typed,
        token=new_token(),
        record=found.id,
        supersedes=found.version,
        reason="",
    )


def _intake(definition: Definition, site: Site, sent: Sent) -> Intake:
    version = sent.get("supersedes")
    return Intake(
        definition,
        site.id,
        sent.get("programme")[:80],
        typed_of(definition, sent),
        token=sent.get("token")[:64] or new_token(),
        record=sent.get("record")[:64] or None,
        supersedes=int(version) if version.isdecimal() and len(version) < 9 else None,
        reason=sent.get("reason")[:300],
    )


def _stored(
    aldea: Context,
    request: Request,
    unit: Unit,
    visitor: SignedIn,
    site: Site,
    intake: Intake,
    sentence: str,
    *,
    back: str = "",
) -> Response:
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    checked = check(unit, intake, site, now)
    refusal = _refusal(aldea, request, unit, visitor, site, intake)
    if checked.ok and not refusal:
        try:
            stored = store(unit, intake, checked, visitor, now)
        except RegisterConflictError:
            refusal = shown.say(
                N_(
                    "This form was stored before with other content, or somebody has corrected the record meanwhile: "
                    "open the record and correct it there."
                )
            )
        else:
            answer = RedirectResponse(back or f"/records/{stored.id}", 303)
            flash(answer, shown.say(sentence))
            return answer
    values = form_values(aldea, request, unit, visitor, intake, checked.faults, refusal=refusal)
    return aldea.pages.render(request, "record_form.html", 400, **values)


def _refusal(aldea: Context, request: Request, unit: Unit, visitor: SignedIn, site: Site, intake: Intake) -> str:
    """Return why it cannot be stored although each field is right; '' when it can."""
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    if intake.programme not in programme_choices(unit, visitor, site, now):
        return shown.say(N_("The site is not in this programme, or it is not yours: choose one of the list."))
    if intake.record is not None:
        found, _ = found_record(unit, visitor, intake.record, now)
        if (found.site, found.form) != (site.id, intake.definition.id):
            return shown.say(N_("A record keeps its site and its form: withdraw it and enter a new one."))
        if not (intake.reason or "").strip():
            return shown.say(N_("Reason is missing: say in a few words why the record is corrected."))
    return ""


def _back(sent: Sent) -> str:
    month, kind = sent.get("page_month"), sent.get("page_kind")
    return f"/records?month={month}&kind={kind}" if month.isdecimal() and kind in KINDS else "/records"


def _sites(unit: Unit, visitor: SignedIn, now_ms: int) -> list[tuple[str, str, bool]]:
    allowed = visible_sites(unit, visitor, now_ms, RECORD)
    found = list_sites(unit, now_ms, limit=2000, only=SiteFilter(sites=allowed), facts=())
    return [(item.site.id, item.site.name, item.site.simulated) for item in found]
