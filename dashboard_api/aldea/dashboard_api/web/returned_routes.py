"""Records that the server gave back to a site: shown with the reasons, and entered here once they are right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.scope import scopes_of
from aldea.dashboard_api.access.visitor import SignedIn, SiteScope, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.record_intake import (
    Intake,
    check,
    covers,
    new_record,
    programme_choices,
    writable_site,
)
from aldea.dashboard_api.web.record_forms import ROWS_MORE, SentForm, form_values, new_token, typed_of
from aldea.dashboard_api.web.returned_list import PATH
from aldea.model.forms import load_forms, typed_from_payload
from aldea.storage.register.errors import RegisterConflictError
from aldea.storage.register.records import newest_version, put_record
from aldea.storage.register.register import Unit
from aldea.storage.register.site_records import (
    Resolution,
    ReturnedRecord,
    find_returned,
    resolve_returned,
)

router = APIRouter(include_in_schema=False)


@router.get(PATH)
def returned_form(aldea: Aldea, request: Request, visitor: SignedIn, site: str, record: str, version: int) -> Response:
    """Show a record that was given back in its form, to be entered corrected."""
    with aldea.register.reading() as unit:
        found = _found(aldea, unit, visitor, site, record, version)
        definition = load_forms()[found.form]
        typed: dict[str, Any] = typed_from_payload(definition, found.payload)
        if definition.event_from == "event_date":
            typed["event_date"] = found.event_date
        intake = Intake(definition, site, found.programme, typed, token=new_token())
        return _page(
            aldea, request, unit, visitor, found, replace(intake, programme=_programme(aldea, unit, visitor, intake))
        )


@router.post(PATH)
def enter_returned(
    aldea: Aldea, request: Request, visitor: SignedIn, site: str, record: str, version: int, sent: SentForm
) -> Response:
    """Store a record that was given back, as it was corrected here; or set it aside."""
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        found = _found(aldea, unit, visitor, site, record, version, known=sent.get("action") != "dismiss")
        if sent.get("action") == "dismiss":
            resolve_returned(unit, site, record, version, Resolution.DISMISSED, now, visitor.person)
            return _done(aldea, request, "/records", N_("Set aside: it was not stored."))
        definition = load_forms()[found.form]
        token = sent.get("token")[:64] or new_token()
        intake = Intake(definition, site, sent.get("programme")[:80], typed_of(definition, sent), token=token)
        if sent.get("action") == "rows":
            return _page(aldea, request, unit, visitor, found, intake, more_rows=ROWS_MORE)
        return _entered(aldea, request, unit, visitor, found, intake)


def _entered(
    aldea: Context, request: Request, unit: Unit, visitor: Visitor, found: ReturnedRecord, intake: Intake
) -> Response:
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    place = writable_site(unit, visitor, found.site, now)
    checked = check(unit, intake, place, now)
    refusal = ""
    if intake.programme not in programme_choices(unit, visitor, place, now):
        refusal = shown.say(N_("The site is not in this programme, or it is not yours: choose one of the list."))
    if checked.ok and not refusal:
        reason = shown.say(N_("Entered here after it was given back to the site"))
        new = replace(new_record(intake, checked, visitor.person, now), id=found.record, reason=reason)
        try:
            stored = put_record(unit, new)
        except RegisterConflictError:
            refusal = shown.say(
                N_("This form was stored before with other content: open the record and correct it there.")
            )
        else:
            resolve_returned(unit, found.site, found.record, found.version, Resolution.ENTERED, now, visitor.person)
            return _done(
                aldea, request, f"/records/{stored.id}", N_("Stored. You can correct or withdraw it at any time.")
            )
    return _page(aldea, request, unit, visitor, found, intake, faults=checked.faults, refusal=refusal)


def _page(
    aldea: Context,
    request: Request,
    unit: Unit,
    visitor: Visitor,
    found: ReturnedRecord,
    intake: Intake,
    **said: Any,
) -> Response:
    values = form_values(aldea, request, unit, visitor, intake, **said)
    language = aldea.pages.language(request).code
    why = found.sentences.get(language) or found.sentences.get("es") or ()
    address = PATH.format(site=found.site, record=found.record, version=found.version)
    there = newest_version(unit, found.record)
    more = {"address": address, "given_back": why, "stored_here": None if there is None else there.id}
    wrong = said.get("faults") or said.get("refusal")
    return aldea.pages.render(request, "record_form.html", 400 if wrong else 200, **values, **more)


def _done(aldea: Context, request: Request, where: str, sentence: str) -> Response:
    answer = RedirectResponse(where, 303)
    flash(answer, aldea.pages.shown(request, aldea.clock.wall_ms()).say(sentence))
    return answer


def _programme(aldea: Context, unit: Unit, visitor: Visitor, intake: Intake) -> str:
    """Return the programme it was for, where this visitor may choose that; else the first of the list."""
    now = aldea.clock.wall_ms()
    choices = programme_choices(unit, visitor, writable_site(unit, visitor, intake.site, now), now)
    return intake.programme if intake.programme in choices else next(iter(choices), "")


def _found(
    aldea: Context, unit: Unit, visitor: Visitor, site: str, record: str, version: int, *, known: bool = True
) -> ReturnedRecord:
    now = aldea.clock.wall_ms()
    place = writable_site(unit, visitor, site[:39], now)
    found = find_returned(unit, place.id, record[:64], version) if 0 < version < 2**31 else None
    scope = scopes_of(unit, now, [place.id]).get(place.id, SiteScope(frozenset(), ""))
    open_one = found is not None and found.resolved_ms is None and covers(visitor, scope, found.programme)
    if found is None or not open_one or (known and (found.form not in load_forms() or found.withdrawn)):
        raise Problem(404, f"There is no record {record[:64]!r} that was given back and waits.")
    return found
