"""Asking for the PIN, and the pages behind it: `needs_pin` around a route's function."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

import bottle

from aldea.agents.page.asking import LONGEST_FIELD, asks_language, field, fields, go_to, own_path
from aldea.agents.page.gate import COOKIE, KNOWN_COOKIE, KNOWN_SECONDS, Gate, Refused, put_cookie
from aldea.agents.page.inviting import GOOD_FOR_MS
from aldea.agents.page.patience import Wait
from aldea.agents.page.rendering import pages_of, render
from aldea.agents.page.words import Words, say

_LOG = logging.getLogger(__name__)
_NOT_CARRIED = frozenset({"pin", "word", "then", "passphrase", "again", "lang"})
_NO_COOKIES = say(
    "The PIN was right, but this browser keeps nothing of it: allow cookies for this page, or leave the private window."
)
MOST_CARRIED = 5_000
"""More fields than any form has that fits into what the guard lets through."""


def add_routes(app: Any) -> None:
    """Serve the PIN's form, and sign in and out."""
    app.route("/pin", "GET", _ask)
    app.route("/pin", "POST", _sign_in)
    app.route("/pin/out", "POST", _sign_out)
    app.route("/records/invite", "GET", needs_pin(_invite))
    app.route("/records/invite", "POST", needs_pin(_invite))


def needs_pin(page: Callable[..., Any]) -> Callable[..., Any]:
    """Return a route's function that runs only where the PIN was given; else the PIN is asked for, and then it goes on.

    A form that was sent after the session had ended is not lost: the page that asks for the PIN carries its fields.
    """

    @wraps(page)
    def guarded(*args: Any, **named: Any) -> Any:
        request = bottle.request
        if pages_of(request).gate.is_signed_in(request):
            try:
                return page(*args, **named)
            except sqlite3.Error as error:
                _LOG.error("the page %r: %s", request.path, error)
                return no_records(request)
        bottle.response.status = 403
        if request.method == "POST":
            # Of a button alone nothing is carried, but it was pressed: it goes on by a form, too.
            return _form(request, request.path, carried=_carried(request) or [("pressed", "yes")])
        query = request.query_string
        # Let in a moment ago, and it shows nothing of what it was given then.
        keeps = any(request.get_cookie(name) for name in (COOKIE, KNOWN_COOKIE))
        why = _NO_COOKIES if request.query.get("said") == "signed_in" and not keeps else None
        return _form(request, request.path + (f"?{query}" if query else ""), why)

    return guarded


def once_more(request: Any) -> str:
    """Return the page that shows a form again which is ours, but of a sign-in that is over: one press sends it."""
    carried = _carried(request)
    if request.path == "/pin":
        return _form(request, own_path(field(request, "then") or "/"), carried=carried)
    return render(request, "once_more.html", then=request.path, carried=carried)


def no_records(request: Any) -> str:
    """Return the page for as long as the disk does not give records: a form that was sent stays in it."""
    bottle.response.status = 503
    carried = _carried(request) if request.method == "POST" else []
    return render(request, "facilitator_none.html", then=request.path, carried=carried)


def _carried(request: Any) -> list[tuple[str, str]]:
    pairs = [(name, value[:LONGEST_FIELD]) for name, values in fields(request).items() for value in values]
    return [(name, value) for name, value in pairs if name not in _NOT_CARRIED][:MOST_CARRIED]


def _ask() -> Any:
    request = bottle.request
    then = own_path(request.query.getunicode("then") or "/")
    if pages_of(request).gate.is_signed_in(request):
        return go_to(then)
    return _form(request, then)


def _form(
    request: Any,
    then: str,
    error: object = None,
    carried: list[tuple[str, str]] | None = None,
    *,
    asks_word: bool = False,
) -> str:
    has_pin = pages_of(request).gate.current() is not None
    given = {"then": then, "error": error, "has_pin": has_pin, "carried": carried or [], "asks_word": asks_word}
    return render(request, "pin.html", **given)


def _invite() -> str:
    """Return the page with the word by which another telephone is let in, once it is asked for."""
    request = bottle.request
    is_asked = request.method == "POST" and not asks_language(request)
    word = pages_of(request).gate.invitations.make() if is_asked else ""
    return render(request, "invite.html", word=word, minutes=GOOD_FOR_MS // 60_000)


def _sign_in() -> Any:
    request = bottle.request
    gate = pages_of(request).gate
    then = own_path(field(request, "then") or "/")
    carried = _carried(request)
    if asks_language(request):
        return _form(request, then, carried=carried)
    known = gate.let_in(request, field(request, "word"))
    if known is not None:
        _make_known(bottle.response, known)
    found = gate.sign_in(request, field(request, "pin").replace(" ", ""))
    if isinstance(found, Refused):
        bottle.response.status = 403
        return _form(request, then, _refusal(found.wait), carried, asks_word=found.wait.by_others)
    _let_in(bottle.response, gate, found)
    if carried:
        # The form goes on with one more press: its token is another one now, and nothing is sent unseen.
        put_cookie(request, COOKIE, found)
        return render(request, "carried.html", then=then, carried=carried)
    answer = go_to(then, "signed_in")
    _let_in(answer, gate, found)
    return answer


def _let_in(answer: Any, gate: Gate, session: str) -> None:
    """Give the browser its session, and what it is known by when it comes again."""
    answer.set_cookie(COOKIE, session, path="/", httponly=True, samesite="strict")
    _make_known(answer, gate.new_known())


def _make_known(answer: Any, known: str) -> None:
    answer.set_cookie(KNOWN_COOKIE, known, path="/", max_age=KNOWN_SECONDS, httponly=True, samesite="strict")


def _refusal(wait: Wait) -> Words:
    seconds = -(-wait.ms // 1000)
    if wait.by_others:
        return say(
            "Many wrong PINs were tried on this network. Wait %(n)d seconds; or use a telephone that was signed in here"
            " before, or the word that it shows under Records, “Let another telephone in”.",
            n=seconds,
        )
    if seconds > 0:
        return say("Too many wrong tries. Wait %(n)d seconds and try again.", n=seconds)
    return say("That is not the PIN.")


def _sign_out() -> Any:
    request = bottle.request
    pages_of(request).gate.sessions.end(request.get_cookie(COOKIE))
    answer = go_to("/", "signed_out")
    answer.delete_cookie(COOKIE, path="/")
    return answer
