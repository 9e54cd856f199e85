"""Forms and records: definitions, what was entered, and entering by programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.problems import Fault, Problem, bad_request, stated
from aldea.dashboard_api.record_intake import (
    Intake,
    check,
    programme_choices,
    store,
    with_programme,
    writable_site,
)
from aldea.dashboard_api.routes.documented import RESPONSES, SITE_RESPONSES
from aldea.dashboard_api.schemas import Document, PageQuery
from aldea.dashboard_api.web.record_list import visible_records
from aldea.dashboard_api.web.record_page import found_record
from aldea.dashboard_api.web.shown import machine_time
from aldea.model.forms import load_forms, sentence
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.records import Record, RecordFilter, record_versions
from aldea.storage.register.reporting import month_span

router = APIRouter(prefix="/api/v1", tags=["records"])


class FormsDocument(Document):
    """The forms, each as its definition: the same that pages and boxes draw."""

    items: list[dict[str, Any]]
    next: None = None


class RecordDocument(Document):
    """One version of a record. `programme` is empty for the site as such; `reason` says why it was changed."""

    id: str
    version: int
    site: str
    programme: str
    form: str
    form_version: str
    event_date: date
    payload: dict[str, Any]
    withdrawn: bool
    created: str
    author: str | None
    source: str
    reason: str | None


class RecordsDocument(Document):
    """A page of records, last entered first."""

    items: list[RecordDocument]
    next: str | None


class RecordDetailDocument(RecordDocument):
    """A record as it counts now, with all its versions, oldest first."""

    versions: list[RecordDocument]


class RecordsQuery(PageQuery):
    """Which records."""

    after: str | None = Field(None, max_length=90, description="The cursor: `next` of the page before.")
    form: str | None = Field(None, max_length=40, description="Only this form.")
    site: str | None = Field(None, max_length=39, description="Only this site.")
    month: str | None = Field(None, max_length=7, description="Only this month of the event: `202511`.")


class SentRecord(BaseModel):
    """A record to be stored. Dates are ISO; the payload is as the form's definition says."""

    model_config = ConfigDict(extra="forbid")

    site: str = Field(max_length=39)
    form: str = Field(max_length=40)
    payload: dict[str, Any]
    event_date: str | None = Field(None, max_length=16, description="When it happened, where the form asks for it.")
    programme: str = Field("", max_length=80)
    form_version: str = Field("", max_length=6, description="The definition's version that the sender had.")
    token: str | None = Field(
        None, min_length=1, max_length=64, description="Made by the sender: the same record sent twice is stored once."
    )
    record: str | None = Field(None, max_length=64, description="The record that this one corrects.")
    supersedes: int | None = Field(None, ge=1, description="The version that was corrected.")
    reason: str | None = Field(None, max_length=300, description="Why it is corrected.")


@router.get("/forms", summary="List forms", responses=RESPONSES)
def list_forms() -> FormsDocument:
    """Return every form's definition."""
    return FormsDocument(items=[dict(form.document) for form in load_forms().values()])


@router.get("/records", summary="List records", responses=RESPONSES)
def list_of_records(aldea: Aldea, visitor: SignedIn, asked: Annotated[RecordsQuery, Query()]) -> RecordsDocument:
    """Return records, newest version each, last entered first."""
    try:
        span = month_span(asked.month.replace("-", "")) if asked.month else (None, None)
        only = RecordFilter(
            form=asked.form,
            sites=[asked.site] if asked.site else None,
            first_day=span[0],
            last_day=span[1],
        )
        with aldea.register.reading() as unit:
            now = aldea.clock.wall_ms()
            found, more = visible_records(unit, visitor, only, now, limit=asked.limit, after=asked.after)
    except RegisterError as error:
        name = "month" if str(error).startswith("month") else "after"
        raise bad_request([Fault(name, stated(error))]) from error
    return RecordsDocument(items=[_document(item) for item in found], next=more)


@router.get("/records/{record}", summary="One record", responses=SITE_RESPONSES)
def record_by_id(aldea: Aldea, visitor: SignedIn, record: str) -> RecordDetailDocument:
    """Return a record with its versions."""
    with aldea.register.reading() as unit:
        found, _ = found_record(unit, visitor, record, aldea.clock.wall_ms())
        versions = record_versions(unit, found.id)
    return RecordDetailDocument(**_document(found).model_dump(), versions=[_document(item) for item in versions])


@router.post("/records", summary="Enter or correct a record", responses=SITE_RESPONSES, status_code=201)
def enter_record(
    aldea: Aldea, request: Request, visitor: SignedIn, sent: Annotated[SentRecord, Body()]
) -> RecordDocument:
    """Store a record. Every field that is wrong has an entry in the problem's `errors`."""
    definition, now = load_forms().get(sent.form), aldea.clock.wall_ms()
    if definition is None:
        raise bad_request([Fault("form", f"form is {sent.form!r}: use one of {', '.join(load_forms())}.")])
    day = {} if sent.event_date is None else {"event_date": sent.event_date}
    typed: Mapping[str, Any] = {**sent.payload, **day}
    language = aldea.pages.language(request).code if request.headers.get("accept-language") else "en"
    with aldea.register.transaction() as unit:
        site = writable_site(unit, visitor, sent.site, now)
        choices = programme_choices(unit, visitor, site, now)
        intake = with_programme(
            Intake(
                definition,
                site.id,
                sent.programme,
                typed,
                version=sent.form_version,
                token=sent.token,
                record=sent.record,
                supersedes=sent.supersedes,
                reason=sent.reason,
                source="web",
            ),
            choices,
        )
        faults = []
        if intake.programme not in choices:
            known = ", ".join(name for name in choices if name) or "none"
            faults.append(Fault("programme", f"programme: site {site.id!r} is not in it; use one of: {known}."))
        if sent.record is not None:
            found_record(unit, visitor, sent.record, now)
            if not (sent.reason or "").strip():
                faults.append(Fault("reason", "reason is missing: say in a few words why the record is corrected."))
        checked = check(unit, intake, site, now)
        faults += [Fault(_parameter(fault.path), sentence(fault, language)) for fault in checked.faults]
        if faults:
            raise bad_request(faults)
        try:
            stored = store(unit, intake, checked, visitor, now)
        except RegisterConflictError as error:
            raise Problem(409, stated(error)) from error
    return _document(stored)


def _parameter(path: str) -> str:
    return path if path == "event_date" else f"payload.{path}"


def _document(record: Record) -> RecordDocument:
    return RecordDocument(
        id=record.id,
        version=record.version,
        site=record.site,
        programme=record.programme,
        form=record.form,
        form_version=record.form_version,
        event_date=record.event_date,
        payload=dict(record.payload),
        withdrawn=record.withdrawn,
        created=machine_time(record.created_ms),
        author=record.author,
        source=record.source,
        reason=record.reason,
    )
