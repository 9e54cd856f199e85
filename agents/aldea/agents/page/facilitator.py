"""The facilitator's pages, behind the PIN: what to enter, what was entered and how far it has come, lists to print."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any

import bottle

from aldea.agents.page import facilitator_forms, facilitator_roster
from aldea.agents.page.asking import asked, asks_language, field, go_to
from aldea.agents.page.facilitator_drawn import local_now
from aldea.agents.page.facilitator_words import REFUSALS, SEX_WORDS, STATES, shown_payload, summary_of, title_of
from aldea.agents.page.pin import needs_pin, no_records
from aldea.agents.page.rendering import language_of, render
from aldea.agents.page.times import day_said
from aldea.agents.page.view import BoxView
from aldea.agents.records import Desk, Entry, NewEntry, Person, RecordRefused, State
from aldea.agents.records.roster import AGE_BANDS, DRAFT_DAYS, MOST_PEOPLE, Draft
from aldea.model.forms.definition import in_language

LISTED = 20
RETURNED_AT_ONCE = 5
LINES, OLDER_LINES, VERSIONS = 30, 3, 12
"""How much of a record is shown until all of it is asked for: a page has less than 15 kB."""
EMPTY_LINES = 12
PRINTED_LINES = 19
BIG = ("attendance", "course_session", "service", "power_note")
"""The forms with a large button of their own; the others are listed below them."""


def add_routes(app: Any, view: BoxView) -> None:
    """Serve the facilitator's pages; where records cannot be kept, the page that says so."""
    desk = view.records
    if desk is None:
        app.route("/records", "GET", needs_pin(_none))
        app.route("/records/<_rest:path>", ["GET", "POST"], needs_pin(_none))
        return
    app.route("/records", "GET", needs_pin(lambda: _home(view, desk)))
    app.route("/records/list", "GET", needs_pin(lambda: _list(desk)))
    app.route("/records/nothing-today", "POST", needs_pin(lambda: _nothing_today(view, desk)))
    app.route("/records/print", "GET", needs_pin(lambda: _print(desk)))
    app.route("/records/one/<record:re:[0-9a-f]{32}>", "GET", needs_pin(lambda record: _one(desk, record)))
    app.route(
        "/records/one/<record:re:[0-9a-f]{32}>/withdraw",
        "POST",
        needs_pin(lambda record: _withdraw(view, desk, record)),
    )
    app.route(
        "/records/one/<record:re:[0-9a-f]{32}>/lay-aside", "POST", needs_pin(lambda record: _lay_aside(desk, record))
    )
    facilitator_forms.add_routes(app, view, desk)
    facilitator_roster.add_routes(app, view, desk)


def _none(**_rest: str) -> str:
    return no_records(bottle.request)


def _home(view: BoxView, desk: Desk) -> str:
    language = language_of(bottle.request)
    forms = desk.shelf.forms()
    counts = desk.book.counts()
    returned = desk.book.given_back()
    now = local_now(view)
    today = None if now is None else now.date().isoformat()
    others = [form for form in forms.values() if form.id not in {*BIG, "nothing_today"}]
    return render(
        bottle.request,
        "facilitator.html",
        titles={form.id: title_of(form, form.id, language) for form in forms.values()},
        others=[(form.id, title_of(form, form.id, language), in_language(form.help, language)) for form in others],
        today=today,
        said_nothing=bool(today and desk.book.on_day("nothing_today", today)),
        draft_days=DRAFT_DAYS,
        waiting=counts[State.KEPT] + counts[State.IN_OUTBOX],
        returned=[_row(desk, entry, language) for entry in returned[:RETURNED_AT_ONCE]],
        more_returned=max(0, len(returned) - RETURNED_AT_ONCE),
        drafts=[
            (draft.token, draft.form, title_of(forms.get(draft.form), draft.form, language), _begun(draft, language))
            for draft in desk.unfinished()
        ],
        recent=[_row(desk, entry, language) for entry in desk.book.listed(limit=5)],
    )


def _begun(draft: Draft, language: str) -> str:
    """Return what tells a form that is not finished from others like it."""
    typed = {str(name): str(value).strip() for name, value in draft.content.get("pairs", ())}
    told = [typed.get(name, "")[:40] for name in ("activity", "course", "project")]
    told.append(day_said(typed.get("event_date", "")[:60], language))
    return " · ".join(text for text in told if text)


def _row(desk: Desk, entry: Entry, language: str) -> dict[str, Any]:
    definition = desk.shelf.forms().get(entry.form)
    kind, words = STATES[entry.state]
    return {
        "entry": entry,
        "title": title_of(definition, entry.form, language),
        "summary": summary_of(entry.payload),
        "kind": kind,
        "state": words,
        "sentences": entry.sentences.get(language) or entry.sentences.get("es") or (),
    }


def _list(desk: Desk) -> str:
    language = language_of(bottle.request)
    if bottle.request.query.get("returned") == "1":
        rows = [_row(desk, entry, language) for entry in desk.book.given_back(LISTED)]
        return render(bottle.request, "facilitator_list.html", rows=rows, more=None, given_back=True)
    before = bottle.request.query.get("before", "")
    found = desk.book.listed(limit=LISTED + 1, before=int(before) if before.isdecimal() and len(before) < 16 else None)
    return render(
        bottle.request,
        "facilitator_list.html",
        rows=[_row(desk, entry, language) for entry in found[:LISTED]],
        more=found[LISTED - 1].id if len(found) > LISTED else None,
        given_back=False,
    )


def _nothing_today(view: BoxView, desk: Desk) -> Any:
    now = local_now(view)
    form = desk.shelf.forms().get("nothing_today")
    if now is None or form is None:
        return go_to("/records/new/nothing_today")
    day = now.date().isoformat()
    if desk.book.on_day(form.id, day):
        return go_to("/records", "nothing_already")
    if desk.book.holds_something_of(day):
        return go_to("/records", "something_today")
    try:
        desk.book.enter(NewEntry(form.id, form.version, day, {}, made_ms=view.known_ms()))
    except sqlite3.Error:
        return go_to("/records", "not_stored")
    desk.hand_over()
    return go_to("/records", "nothing_stored")


def _one(desk: Desk, record: str, refusal: str = "") -> Any:
    versions = desk.book.versions(record)
    if not versions:
        return bottle.HTTPError(404)
    language = language_of(bottle.request)
    definition = desk.shelf.forms().get(versions[-1].form)
    is_whole = asked(bottle.request, "all") == "1"
    shown = versions if is_whole else versions[-VERSIONS:]
    people = {person.code.upper(): person for person in desk.roster.people(gone=True)}
    return render(
        bottle.request,
        "facilitator_record.html",
        row=_row(desk, versions[-1], language),
        versions=[_version(desk, entry, people, language) for entry in reversed(shown)],
        known=definition is not None,
        most=MOST_PEOPLE if is_whole else LINES,
        most_of_older=MOST_PEOPLE if is_whole else OLDER_LINES,
        older_left_out=0 if is_whole else max(0, len(versions) - VERSIONS),
        whole=is_whole,
        refusal=REFUSALS.get(refusal),
        reason=field(bottle.request, "reason"),
        token=secrets.token_urlsafe(12),
    )


def _version(desk: Desk, entry: Entry, people: Mapping[str, Person], language: str) -> dict[str, Any]:
    definition = desk.shelf.forms().get(entry.form)
    return {**_row(desk, entry, language), "shown": shown_payload(definition, entry.payload, people, language)}


def _withdraw(view: BoxView, desk: Desk, record: str) -> Any:
    if asks_language(bottle.request):
        return _one(desk, record)
    reason = field(bottle.request, "reason")
    token, seen = field(bottle.request, "token")[:64] or None, field(bottle.request, "based_on")
    based_on = int(seen) if seen.isdecimal() and len(seen) < 7 else None
    if desk.roster.named_in((reason,)) is not None:
        bottle.response.status = 400
        return _one(desk, record, "name_in_text")
    try:
        desk.book.withdraw(record, reason, token=token, made_ms=view.known_ms(), based_on=based_on)
    except RecordRefused as refused:
        bottle.response.status = 400
        return _one(desk, record, refused.why)
    except sqlite3.Error:
        bottle.response.status = 500
        return _one(desk, record, "disk")
    desk.hand_over()
    return go_to(f"/records/one/{record}", "withdrawn")


def _lay_aside(desk: Desk, record: str) -> Any:
    try:
        desk.book.lay_aside(record)
    except sqlite3.Error:
        return go_to(f"/records/one/{record}", "not_stored")
    return go_to("/records", "laid_aside")


def _print(desk: Desk) -> str:
    empty = bottle.request.query.get("empty") == "1"
    people = () if empty else desk.roster.people()
    lines = PRINTED_LINES if empty else EMPTY_LINES
    return render(
        bottle.request,
        "facilitator_print.html",
        people=people,
        lines=lines,
        empty=empty,
        sex_words=SEX_WORDS,
        bands=AGE_BANDS,
    )
