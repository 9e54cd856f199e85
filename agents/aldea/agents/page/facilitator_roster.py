"""The roster's pages: who is who at this site, and the sealed backup. Names are shown here and leave nowhere else."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import bottle

from aldea.agents.page.asking import asked, asks_language, field, go_to
from aldea.agents.page.facilitator_people import ON_A_PAGE, found_by, on_page, page_of
from aldea.agents.page.facilitator_words import REFUSALS, SEX_WORDS, initial, title_of
from aldea.agents.page.pin import needs_pin
from aldea.agents.page.rendering import language_of, render
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words, say
from aldea.agents.records import Desk, Person, RosterError
from aldea.agents.records.roster import AGE_BANDS, SEXES
from aldea.agents.records.sealing import SealError, merging, seal, unseal
from aldea.model.clock import Clock

LEFT = say("left")
OPEN_FOR_MS = 10 * 60_000
MOST_OPEN = 2
MOST_FILE_BYTES = 240_000


class Opened:
    """Backups that were opened and not yet put in: in memory alone, for ten minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[int, tuple[Person, ...]]] = OrderedDict()

    def hold(self, people: tuple[Person, ...]) -> str:
        """Keep people for a while; return the word to ask for them with."""
        word = secrets.token_urlsafe(12)
        with self._lock:
            self._held[word] = (self._clock.mono_ms() + OPEN_FOR_MS, people)
            while len(self._held) > MOST_OPEN:
                self._held.popitem(last=False)
        return word

    def take(self, word: str) -> tuple[Person, ...] | None:
        """Return the people of a word, also for a second click; None when it is too late."""
        with self._lock:
            until_ms, people = self._held.get(word, (0, ()))
        return people if people and self._clock.mono_ms() < until_ms else None


def add_routes(app: Any, view: BoxView, desk: Desk) -> None:
    """Serve the roster."""
    opened = Opened(view.clock)
    person = "/records/roster/person/<code:re:[A-Za-z0-9-]{1,20}>"
    app.route("/records/roster", "GET", needs_pin(lambda: _list(desk)))
    app.route("/records/roster", "POST", needs_pin(lambda: _add(desk)))
    # By a form, since the address of a page must not hold a name.
    app.route("/records/roster/find", "POST", needs_pin(lambda: _list(desk, find=field(bottle.request, "find")[:80])))
    app.route("/records/roster/find", "GET", needs_pin(lambda: go_to("/records/roster")))
    app.route(person, "GET", needs_pin(lambda code: _person(desk, code)))
    app.route(person, "POST", needs_pin(lambda code: _change(desk, code)))
    app.route("/records/roster/backup", "GET", needs_pin(lambda: _backup_page({})))
    app.route("/records/roster/backup", "POST", needs_pin(lambda: _backup(view, desk)))
    app.route("/records/roster/restore", "GET", needs_pin(lambda: _restore_page({})))
    app.route("/records/roster/restore", "POST", needs_pin(lambda: _open(desk, opened)))
    app.route("/records/roster/merge", "POST", needs_pin(lambda: _merge(desk, opened)))


def _list(desk: Desk, errors: Mapping[str, Words] | None = None, like: tuple[Person, ...] = (), find: str = "") -> str:
    gone, back = (asked(bottle.request, name) for name in ("gone", "back"))
    everybody = desk.roster.people(gone=gone == "1")
    found = [one for one in everybody if found_by(one.name, one.code, find)]
    pager = page_of([one.name for one in everybody], asked(bottle.request, "page"))
    draft = desk.roster.draft(back) if back else None
    language = language_of(bottle.request)
    return render(
        bottle.request,
        "facilitator_roster.html",
        people=found[:ON_A_PAGE] if find else on_page(found, pager),
        more=max(0, len(found) - ON_A_PAGE),
        in_all=len(everybody),
        pager=pager,
        find=find,
        address=lambda page, place="who": (
            "/records/roster?" + urlencode({"page": page, "gone": gone, "back": back}) + "#" + quote(place)
        ),
        initial=initial,
        gone=gone == "1",
        back=back,
        form="" if draft is None else draft.form,
        form_title="" if draft is None else title_of(desk.shelf.forms().get(draft.form), draft.form, language),
        typed={name: field(bottle.request, name) for name in ("name", "sex", "age_band", "code")},
        errors=errors or {},
        like=like,
        **_choices(),
    )


def _choices() -> dict[str, Any]:
    language = language_of(bottle.request)
    return {
        "sex_words": SEX_WORDS,
        "sexes_said": [(sex, SEX_WORDS[sex].in_(language)) for sex in SEXES],
        "bands_said": [(band, band) for band in AGE_BANDS],
    }


def _add(desk: Desk) -> Any:
    request = bottle.request
    if asks_language(request):
        return _list(desk, find=asked(request, "find"))
    name = field(request, "name")
    like = desk.roster.like(name) if name else ()
    if like and field(request, "sure") != "yes":
        bottle.response.status = 400
        return _list(desk, like=like)
    try:
        desk.roster.add(name, field(request, "sex"), field(request, "age_band"), field(request, "code"))
    except RosterError as error:
        bottle.response.status = 400
        return _list(desk, _told_of(error))
    except sqlite3.Error:
        bottle.response.status = 500
        return _list(desk, {"name": REFUSALS["disk"]})
    back = asked(request, "back")
    return go_to(f"/records/roster?back={quote(back)}" if back else "/records/roster", "person_added")


def _told_of(error: RosterError) -> dict[str, Words]:
    return {name: REFUSALS[why] for name, why in error.wrong.items()}


def _person(desk: Desk, code: str, shown: Person | None = None, errors: Mapping[str, Words] | None = None) -> Any:
    person = shown or desk.roster.find(code)
    if person is None:
        return bottle.HTTPError(404)
    like = desk.roster.like(person.name, besides=person.code)
    return render(
        bottle.request, "facilitator_person.html", person=person, errors=errors or {}, like=like, **_choices()
    )


def _change(desk: Desk, code: str) -> Any:
    person = desk.roster.find(code)
    if person is None:
        return bottle.HTTPError(404)
    request = bottle.request
    new = replace(
        person,
        name=field(request, "name"),
        sex=field(request, "sex"),
        age_band=field(request, "age_band"),
        gone=field(request, "gone") == "yes",
    )
    if asks_language(request):
        return _person(desk, code, new)
    try:
        desk.roster.change(new)
    except RosterError as error:
        bottle.response.status = 400
        return _person(desk, code, new, _told_of(error))
    except sqlite3.Error:
        bottle.response.status = 500
        return _person(desk, code, new, {"name": REFUSALS["disk"]})
    return go_to("/records/roster", "person_changed")


def _backup_page(errors: Mapping[str, Words]) -> str:
    return render(bottle.request, "facilitator_backup.html", errors=errors)


def _backup(view: BoxView, desk: Desk) -> Any:
    first, second = field(bottle.request, "passphrase"), field(bottle.request, "again")
    try:
        if first != second:
            raise SealError("unequal")
        file = seal(desk.roster.people(gone=True), first)
    except SealError as error:
        bottle.response.status = 400
        return _backup_page({"again" if error.why == "unequal" else "passphrase": REFUSALS[error.why]})
    name = f"aldea-roster-{view.settings.site}.sealed"
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": f'attachment; filename="{name}"'}
    return bottle.HTTPResponse(body=file, headers=headers)


def _restore_page(errors: Mapping[str, Words]) -> str:
    return render(bottle.request, "facilitator_restore.html", errors=errors, plan=None, word="")


def _open(desk: Desk, opened: Opened) -> Any:
    upload = bottle.request.files.get("file")
    content = b"" if upload is None else upload.file.read(MOST_FILE_BYTES)
    if not content:
        bottle.response.status = 400
        return _restore_page({"file": REFUSALS["no_file"]})
    try:
        people = unseal(content, field(bottle.request, "passphrase"))
    except SealError as error:
        bottle.response.status = 400
        return _restore_page({"passphrase" if error.why == "closed" else "file": REFUSALS[error.why]})
    plan = merging(desk.roster, people)
    rows = [(here.code, _told(here), _told(there)) for here, there in plan.differ]
    word = opened.hold(people)
    return render(bottle.request, "facilitator_restore.html", errors={}, plan=plan, plan_rows=rows, word=word)


def _told(person: Person) -> str:
    language = language_of(bottle.request)
    left = [LEFT.in_(language)] if person.gone else []
    return f"{person.name} ({', '.join([SEX_WORDS[person.sex].in_(language), person.age_band, *left])})"


def _merge(desk: Desk, opened: Opened) -> Any:
    people = opened.take(field(bottle.request, "word"))
    if people is None:
        bottle.response.status = 400
        return _restore_page({"file": REFUSALS["late"]})
    plan = merging(desk.roster, people)
    theirs = tuple(person for _, person in plan.differ) if field(bottle.request, "differ") == "backup" else ()
    try:
        desk.roster.put(plan.new + theirs)
    except RosterError as error:
        bottle.response.status = 400
        return _restore_page({"file": REFUSALS[error.why]})
    except sqlite3.Error:
        bottle.response.status = 500
        return _restore_page({"file": REFUSALS["disk"]})
    return go_to("/records/roster", "restored")
