"""The facilitator's forms: attendance by ticks or by counting, and every other form as its definition has it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import bottle

from aldea.agents.page.asking import fields, go_to
from aldea.agents.page.facilitator_filled import (
    PEOPLE,
    TALLY,
    WAYS,
    Filled,
    Pairs,
    asks_for,
    filled_of,
    people_to_tick,
    short_group,
    ticks_of,
    told_by_group,
)
from aldea.agents.page.facilitator_words import REFUSALS, SEX_WORDS, initial, initials, title_of
from aldea.agents.page.pin import needs_pin
from aldea.agents.page.rendering import language_of, render
from aldea.agents.page.times import local, zone_of
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words
from aldea.agents.records import Desk, Entry, NewEntry, RecordRefused
from aldea.agents.records.roster import AGE_BANDS, SEXES, Draft
from aldea.model.forms import (
    Cell,
    Checked,
    Fault,
    Group,
    Moment,
    laid_out,
    sentence,
    typed_from_payload,
    validate,
)
from aldea.model.forms.definition import in_language
from aldea.model.forms.envelope import payload_text

ROWS_MORE = 4
# Where nothing vouches for the time, no day can be said to be still to come.
_ANY_DAY = datetime(9998, 12, 31)  # noqa: DTZ001 - a site's local time


def add_routes(app: Any, view: BoxView, desk: Desk) -> None:
    """Serve the forms."""
    app.route("/records/new/<form:re:[a-z0-9_]+>", "GET", needs_pin(lambda form: _empty(view, desk, form)))
    app.route("/records/new/<form:re:[a-z0-9_]+>", "POST", needs_pin(lambda form: _sent(view, desk, form)))
    app.route(
        "/records/one/<record:re:[0-9a-f]{32}>/correct", "GET", needs_pin(lambda record: _correct(view, desk, record))
    )
    app.route("/records/drop-draft", "POST", needs_pin(lambda: _drop_draft(desk)))


def local_now(view: BoxView) -> datetime | None:
    """Return the site's local time, None where nothing vouches for it."""
    known_ms = view.known_ms()
    return None if known_ms is None else local(known_ms, zone_of(view.settings)).replace(tzinfo=None)


def moment_of(view: BoxView) -> Moment:
    """Return the moment at which forms are checked here; the server checks them again at its own."""
    return Moment(local_now(view) or _ANY_DAY)


def _empty(view: BoxView, desk: Desk, form: str) -> Any:
    definition = desk.shelf.forms().get(form)
    if definition is None:
        return bottle.HTTPError(404)
    query = bottle.request.query
    draft = desk.roster.draft(query.getunicode("draft") or "")
    if draft is not None and draft.form == form:
        pairs = [(str(name), str(value)) for name, value in draft.content.get("pairs", ())]
        return _page(view, desk, filled_of(desk, definition, pairs))
    now = local_now(view)
    typed = {} if now is None or definition.field("event_date") is None else {"event_date": now.date().isoformat()}
    way = query.get("way") if query.get("way") in WAYS else ("ticks" if desk.roster.people() else "tally")
    return _page(view, desk, Filled(definition, typed, secrets.token_urlsafe(12), way))


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
    return _page(view, desk, filled)


def _sent(view: BoxView, desk: Desk, form: str) -> Any:
    definition = desk.shelf.forms().get(form)
    if definition is None:
        return bottle.HTTPError(404)
    pairs = [(name, value) for name, values in fields(bottle.request).items() for value in values]
    filled = filled_of(desk, definition, pairs)
    if ("action", "rows") in pairs:
        return _page(view, desk, filled, more_rows=ROWS_MORE)
    checked = validate(definition, filled.typed, moment_of(view))
    stored = desk.book.by_token(filled.token)
    if stored is not None:
        return _sent_before(view, desk, filled, checked, stored)
    refusal = "" if checked.faults else _store(view, desk, filled, checked.payload, str(checked.event_date))
    if not checked.faults and not refusal:
        desk.roster.drop_draft(filled.token)
        desk.hand_over()
        stored = desk.book.by_token(filled.token)
        return go_to("/records" if stored is None else f"/records/one/{stored.record}", "stored")
    _keep_draft(desk, filled, pairs)
    bottle.response.status = 400
    return _page(view, desk, filled, checked.faults, refusal)


def _sent_before(view: BoxView, desk: Desk, filled: Filled, checked: Checked, stored: Entry) -> Any:
    """Answer a form that was stored before: sent twice, or gone back to and changed, which is a correction."""
    said = (payload_text(checked.payload), str(checked.event_date), filled.programme)
    if said == (payload_text(stored.payload), stored.event_date, stored.programme):
        return go_to(f"/records/one/{stored.record}", "stored")
    last = desk.book.newest(stored.record) or stored
    again = replace(filled, token=secrets.token_urlsafe(12), record=last.record, based_on=last.version)
    bottle.response.status = 400
    return _page(view, desk, again, checked.faults, "sent_before")


def _store(view: BoxView, desk: Desk, filled: Filled, payload: Mapping[str, Any], day: str) -> str:
    """Store it; return the key of the sentence that says why it could not be."""
    if desk.roster.named_in((filled.reason, *_texts(payload))) is not None:
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


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for item in inner for text in _texts(item)]


def _keep_draft(desk: Desk, filled: Filled, pairs: Pairs) -> None:
    try:
        desk.roster.keep_draft(Draft(filled.token, filled.definition.id, {"pairs": [list(pair) for pair in pairs]}))
    except sqlite3.Error:
        return  # the page itself still has what was typed


def _drop_draft(desk: Desk) -> Any:
    for token in fields(bottle.request).get("token", [])[:1]:
        desk.roster.drop_draft(token)
    return go_to("/records", "draft_dropped")


def _page(
    view: BoxView,
    desk: Desk,
    filled: Filled,
    faults: Sequence[Fault] = (),
    refusal: str = "",
    more_rows: int | None = None,
) -> str:
    language = language_of(bottle.request)
    definition = filled.definition
    people = people_to_tick(desk, filled)
    faults = told_by_group(faults, filled.typed.get(TALLY) or ()) if asks_for(definition, TALLY) else faults
    parts: list[tuple[str, Cell | Group]] = []
    for part in laid_out(definition, filled.typed, faults, language, more_rows=more_rows):
        if isinstance(part, Group) and asks_for(definition, part.name) and part.name in {PEOPLE, TALLY}:
            parts.append((part.name, part))
        elif isinstance(part, Group):
            parts.append(("rows", short_group(part, more_rows)))
        else:
            parts.append(("field", part))
    return render(
        bottle.request,
        "facilitator_form.html",
        title=title_of(definition, definition.id, language),
        help=in_language(definition.help, language),
        privacy=in_language(definition.privacy, language),
        filled=filled,
        parts_of=parts,
        errors=[sentence(fault, language) for fault in faults],
        refusal=_refusal(refusal),
        people=people,
        letters=initials(name for _, name, _, _ in people),
        initial=initial,
        wrong={fault.path: sentence(fault, language) for fault in faults},
        counts={(row["sex"], row["age_band"]): row["count"] for row in filled.typed.get(TALLY) or () if "count" in row},
        sexes=[(sex, SEX_WORDS[sex]) for sex in SEXES],
        bands=AGE_BANDS,
        programmes=view.settings.page.programmes,
    )


def _refusal(key: str) -> Words | None:
    return REFUSALS.get(key)
