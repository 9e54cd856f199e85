"""The facilitator's forms: attendance by ticks or by counting, and every other form as its definition has it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import bottle

from aldea.agents.page.asking import asks_language, field, fields, go_to
from aldea.agents.page.facilitator_drawn import form_page, local_now, moment_of
from aldea.agents.page.facilitator_filled import (
    PEOPLE,
    WAYS,
    Filled,
    Pairs,
    filled_of,
    is_of_an_older_form,
    texts_of,
    ticks_are_gone,
    whole,
)
from aldea.agents.page.facilitator_people import ticks_of
from aldea.agents.page.facilitator_words import title_of
from aldea.agents.page.pin import needs_pin
from aldea.agents.page.rendering import language_of, render
from aldea.agents.page.view import BoxView
from aldea.agents.records import Desk, Entry, NewEntry, RecordRefused
from aldea.agents.records.roster import Draft
from aldea.model.forms import Checked, typed_from_payload, validate
from aldea.model.forms.envelope import payload_text

ROWS_MORE = 4
_TOKEN_LENGTH = 64
_UNASKED = frozenset({"token", "way", "event_date", "programme", "find"})
"""What a form holds before anybody has typed into it."""


def add_routes(app: Any, view: BoxView, desk: Desk) -> None:
    """Serve the forms."""
    app.route("/records/new/<form:re:[a-z0-9_]+>", "GET", needs_pin(lambda form: _empty(view, desk, form)))
    app.route("/records/new/<form:re:[a-z0-9_]+>", "POST", needs_pin(lambda form: _sent(view, desk, form)))
    app.route(
        "/records/one/<record:re:[0-9a-f]{32}>/correct", "GET", needs_pin(lambda record: _correct(view, desk, record))
    )
    app.route("/records/drop-draft", "POST", needs_pin(lambda: _drop_draft(desk)))


def _empty(view: BoxView, desk: Desk, form: str) -> Any:
    definition = desk.shelf.forms().get(form)
    if definition is None:
        return bottle.HTTPError(404)
    query = bottle.request.query
    token = (query.getunicode("draft") or "")[:_TOKEN_LENGTH]
    if query.get("new"):
        # The address names the form, so that going back to it or loading it again finds what was filled in.
        return go_to(f"/records/new/{form}?way={quote(query.get('way') or '')}&draft={secrets.token_urlsafe(12)}")
    stored = desk.book.by_token(token) if token else None
    if stored is not None:
        return go_to(f"/records/one/{stored.record}", "stored_before")
    draft = desk.roster.draft(token)
    if draft is not None and draft.form == form:
        pairs = [(str(name), str(value)) for name, value in draft.content.get("pairs", ())]
        return form_page(view, desk, filled_of(desk, definition, pairs))
    now = local_now(view)
    typed = {} if now is None or definition.field("event_date") is None else {"event_date": now.date().isoformat()}
    way = query.get("way") if query.get("way") in WAYS else ("ticks" if desk.roster.people() else "tally")
    return form_page(view, desk, Filled(definition, typed, token or secrets.token_urlsafe(12), way))


def _correct(view: BoxView, desk: Desk, record: str) -> Any:
    last = desk.book.newest(record)
    definition = None if last is None else desk.shelf.forms().get(last.form)
    if last is None or definition is None:
        return bottle.HTTPError(404)
    typed = typed_from_payload(definition, last.payload)
    if definition.event_from == "event_date":
        typed["event_date"] = last.event_date
    ticked = frozenset(ticks_of(typed.get(PEOPLE) or ()))
    filled = Filled(
        definition,
        typed,
        secrets.token_urlsafe(12),
        programme=last.programme,
        record=record,
        based_on=last.version,
        ticked=ticked,
    )
    return form_page(view, desk, filled)


def _sent(view: BoxView, desk: Desk, form: str) -> Any:
    definition = desk.shelf.forms().get(form)
    if definition is None:
        return bottle.HTTPError(404)
    sent = [(name, value) for name, values in fields(bottle.request).items() for value in values]
    pairs: Pairs = whole(desk, sent)
    filled = filled_of(desk, definition, pairs)
    action = "lang" if asks_language(bottle.request) else dict(sent).get("action", "store")
    if ticks_are_gone(desk, sent):
        # Told once: what is sent after that holds the ticks that are still there.
        is_kept = _keep_draft(view, desk, filled, pairs)
        bottle.response.status = 400
        return form_page(view, desk, filled, refusal="ticks_gone", is_kept=is_kept)
    if action != "store":
        return _gone_on_with(view, desk, filled, pairs, action)
    checked = validate(definition, filled.typed, moment_of(view, desk, filled.programme))
    stored = desk.book.by_token(filled.token)
    if stored is not None:
        return _sent_before(view, desk, filled, pairs, checked, stored)
    refusal = "form_changed" if is_of_an_older_form(definition, sent) else ""
    if not (checked.faults or refusal):
        refusal = _store(view, desk, filled, checked.payload, str(checked.event_date))
    if not checked.faults and not refusal:
        with suppress(sqlite3.Error):
            desk.roster.drop_draft(filled.token)
        desk.hand_over()
        stored = desk.book.by_token(filled.token)
        return go_to("/records" if stored is None else f"/records/one/{stored.record}", "stored")
    if refusal == "changed":
        # Told once; what is stored after that is the next version of what the other has stored.
        filled, pairs = _on_newest(desk, filled, pairs)
    is_kept = _keep_draft(view, desk, filled, pairs)
    bottle.response.status = 400
    return form_page(view, desk, filled, checked.faults, refusal, is_kept=is_kept)


def _gone_on_with(view: BoxView, desk: Desk, filled: Filled, pairs: Pairs, action: str) -> Any:
    """Keep what was filled in so far, and show more rows, another page of the names, the roster, or the start."""
    if action in {"leave", "lang"} and _says_nothing(view, desk, filled, pairs):
        return go_to("/records") if action == "leave" else form_page(view, desk, filled)
    stored = desk.book.by_token(filled.token)
    if stored is not None:
        filled, pairs = _as_correction(desk, filled, pairs, stored)
    is_kept = _keep_draft(view, desk, filled, pairs)
    if action in {"rows", "lang"}:
        more = ROWS_MORE if action == "rows" else None
        return form_page(view, desk, filled, more_rows=more, is_kept=is_kept)
    if not is_kept:
        bottle.response.status = 500
        return form_page(view, desk, filled, refusal="disk", is_kept=False)
    if action == "leave":
        return go_to("/records", "left_for_now")
    if action == "roster":
        return go_to(f"/records/roster?back={quote(filled.token)}")
    page, _, letter = action.removeprefix("page:").partition(".")
    place = f"#l-{letter}" if letter.isalnum() and len(letter) == 1 else "#who"
    where = f"/records/new/{filled.definition.id}?draft={quote(filled.token)}"
    return go_to(f"{where}&page={page}{quote(place, safe='#')}" if page.isdecimal() else f"{where}#who")


def _says_nothing(view: BoxView, desk: Desk, filled: Filled, pairs: Pairs) -> bool:
    """Say whether nothing was filled in, or nothing changed, so that there is nothing to be kept."""
    if desk.roster.draft(filled.token) is not None:
        return False
    last = desk.book.newest(filled.record) if filled.record else desk.book.by_token(filled.token)
    if last is None:
        return not any(value.strip() for name, value in pairs if name not in _UNASKED)
    checked = validate(filled.definition, filled.typed, moment_of(view, desk, filled.programme))
    return _says_the_same(checked, filled, last) and not filled.reason.strip()


def _says_the_same(checked: Checked, filled: Filled, stored: Entry) -> bool:
    said = (payload_text(checked.payload), str(checked.event_date), filled.programme)
    return said == (payload_text(stored.payload), stored.event_date, stored.programme)


def _on_newest(desk: Desk, filled: Filled, pairs: Pairs) -> tuple[Filled, Pairs]:
    last = desk.book.newest(filled.record)
    if last is None:
        return filled, pairs
    kept = [pair for pair in pairs if pair[0] != "based_on"]
    return replace(filled, based_on=last.version), [*kept, ("based_on", str(last.version))]


def _as_correction(desk: Desk, filled: Filled, pairs: Pairs, stored: Entry) -> tuple[Filled, Pairs]:
    """Return a form that was stored before and is changed now as a correction of what it stored."""
    last = desk.book.newest(stored.record) or stored
    again = replace(filled, token=secrets.token_urlsafe(12), record=last.record, based_on=last.version)
    own = {"token": again.token, "record": again.record, "based_on": str(again.based_on)}
    return again, [pair for pair in pairs if pair[0] not in own] + list(own.items())


def _sent_before(view: BoxView, desk: Desk, filled: Filled, pairs: Pairs, checked: Checked, stored: Entry) -> Any:
    """Answer a form that was stored before: sent twice, or gone back to and changed, which is a correction."""
    if _says_the_same(checked, filled, stored):
        return go_to(f"/records/one/{stored.record}", "stored")
    again, pairs = _as_correction(desk, filled, pairs, stored)
    is_kept = _keep_draft(view, desk, again, pairs)
    bottle.response.status = 400
    return form_page(view, desk, again, checked.faults, "sent_before", is_kept=is_kept)


def _store(view: BoxView, desk: Desk, filled: Filled, payload: Mapping[str, Any], day: str) -> str:
    """Store it; return the key of the sentence that says why it could not be."""
    if desk.roster.named_in((filled.reason, *texts_of(payload))) is not None:
        return "name_in_text"
    new = NewEntry(
        form=filled.definition.id,
        form_version=filled.definition.version,
        event_date=day,
        payload=payload,
        programme=filled.programme,
        token=filled.token,
        record=filled.record or None,
        based_on=filled.based_on,
        reason=filled.reason,
        made_ms=view.known_ms(),
    )
    try:
        desk.book.enter(new)
    except RecordRefused as refused:
        return refused.why
    except sqlite3.Error:
        return "disk"
    return ""


def _keep_draft(view: BoxView, desk: Desk, filled: Filled, pairs: Pairs) -> bool:
    """Keep what was typed; say whether it is on disk. The page itself has it in any case."""
    content = {"pairs": [list(pair) for pair in pairs]}
    try:
        desk.roster.keep_draft(Draft(filled.token, filled.definition.id, content), view.known_ms())
    except sqlite3.Error:
        return False
    return True


def _drop_draft(desk: Desk) -> Any:
    draft = desk.roster.draft(field(bottle.request, "token"))
    if draft is None:
        return go_to("/records")
    if field(bottle.request, "sure") != "yes":
        title = title_of(desk.shelf.forms().get(draft.form), draft.form, language_of(bottle.request))
        return render(bottle.request, "facilitator_drop.html", token=draft.token, form=draft.form, title=title)
    try:
        desk.roster.drop_draft(draft.token)
    except sqlite3.Error:
        return go_to("/records", "not_stored")
    return go_to("/records", "draft_dropped")
