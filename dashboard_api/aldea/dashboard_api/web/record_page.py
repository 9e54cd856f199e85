"""The page of one record: what it says, its versions, and the way to correct or withdraw it."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.scope import scope_of
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.record_intake import covers
from aldea.dashboard_api.web.record_words import SOURCE_WORDS, form_texts, payload_shown, programme_name
from aldea.model.forms import load_forms
from aldea.storage.register.people import find_person
from aldea.storage.register.programmes import find_programme
from aldea.storage.register.records import Record, newest_version, record_versions, withdraw_record
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site

router = APIRouter(include_in_schema=False)


def found_record(unit: Unit, visitor: Visitor, record_id: str, now_ms: int) -> tuple[Record, Site]:
    """Return a record's newest version and its site. Raises Problem (404) where there is none for this visitor."""
    found = newest_version(unit, record_id[:64])
    site = None if found is None else find_site(unit, found.site)
    if found is None or site is None or not covers(visitor, scope_of(unit, site.id, now_ms), found.programme):
        raise Problem(404, f"There is no record {record_id[:64]!r}.")
    return found, site


@router.get("/records/{record}")
def one_record(aldea: Aldea, request: Request, visitor: SignedIn, record: str) -> Response:
    """Show one record."""
    return aldea.pages.render(request, "record.html", **record_page(aldea, request, visitor, record))


@router.post("/records/{record}/withdraw")
def withdraw(
    aldea: Aldea, request: Request, visitor: SignedIn, record: str, reason: Annotated[str, Form()] = ""
) -> Response:
    """Let a record count no more."""
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    if not reason.strip():
        error = shown.say(N_("Reason is missing: say in a few words why the record is withdrawn."))
        values = record_page(aldea, request, visitor, record, error)
        return aldea.pages.render(request, "record.html", 400, **values)
    with aldea.register.transaction() as unit:
        found, _ = found_record(unit, visitor, record, now)
        withdraw_record(unit, found.id, reason=reason, author=visitor.person, at_ms=now)
    answer = RedirectResponse(f"/records/{found.id}", 303)
    flash(answer, shown.say(N_("Withdrawn: it counts no more, and all its versions are kept.")))
    return answer


def record_page(aldea: Context, request: Request, visitor: Visitor, record: str, error: str = "") -> dict[str, Any]:
    """Return what the page shows."""
    now = aldea.clock.wall_ms()
    language = aldea.pages.language(request).code
    shown = aldea.pages.shown(request, now)
    with aldea.register.reading() as unit:
        found, site = found_record(unit, visitor, record, now)
        versions = record_versions(unit, found.id)
        programme = find_programme(unit, found.programme)
        authors = {item.author: _author(unit, item) for item in versions}
    definition = load_forms().get(found.form)
    zone = ZoneInfo(site.timezone)
    return {
        "shown": shown,
        "record": found,
        "site": site,
        "form": {"title": found.form} if definition is None else form_texts(definition, language),
        "known": definition is not None,
        "programme": found.programme if programme is None else programme_name(programme, language),
        "error": error,
        "versions": [
            {
                "version": item,
                "when": shown.moment(item.created_ms, zone),
                "at_ms": item.created_ms,
                "author": authors[item.author],
                "source": shown.say(SOURCE_WORDS.get(item.source, item.source)),
                "shown": payload_shown(definition, item.payload, language),
            }
            for item in reversed(versions)
        ],
    }


def _author(unit: Unit, record: Record) -> str:
    person = find_person(unit, record.author) if record.author else None
    return person.label if person is not None else record.author or ""
