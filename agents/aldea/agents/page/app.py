"""The page's routes put together. A room of the page is a module with `add_routes`, and a line in `build_app`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import bottle

from aldea.agents.page import about, check, facilitator, pin, repaired, status
from aldea.agents.page.asking import CHOSEN, field
from aldea.agents.page.failing import told
from aldea.agents.page.gate import Gate
from aldea.agents.page.guard import MOST_BODY_BYTES, Guard
from aldea.agents.page.inviting import Invitations
from aldea.agents.page.patience import Patience
from aldea.agents.page.pins import PinStore
from aldea.agents.page.rendering import PAGES, Pages, pages_of, render
from aldea.agents.page.secrets import form_key
from aldea.agents.page.sessions import Sessions
from aldea.agents.page.tries import TriesFile
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words, say
from aldea.agents.page_settings import LANGUAGES

_LOG = logging.getLogger(__name__)
_YEAR_SECONDS = 365 * 86_400
MOST_FIELDS, MOST_PARTS = 4_000, 100
"""In a form; parts are of one with a file."""


def make_gate(view: BoxView) -> Gate:
    """Return the door of a box's pages, with nobody signed in."""
    data = view.settings.data
    pins = PinStore(data, view.settings.page.pin_hash)
    patience = Patience(view.clock, TriesFile(data, view.repairing.boot_id))
    return Gate(pins, Sessions(view.clock), patience, form_key(data), Invitations(view.clock))


def build_site(view: BoxView, gate: Gate | None = None) -> Guard:
    """Return the whole page as a WSGI application, guarded; `gate`: a door that people have come through already."""
    app = build_app(view, gate)
    return Guard(app, app.config[PAGES])


def build_app(view: BoxView, gate: Gate | None = None) -> Any:
    """Return the bottle application with every route, without its guard."""
    app = bottle.Bottle(catchall=True)
    pages = Pages(view, gate or make_gate(view))
    app.config[PAGES] = pages
    # Forms may be as large as the guard lets through; bottle's own limit is smaller, and of the class.
    bottle.BaseRequest.MEMFILE_MAX = MOST_BODY_BYTES

    def before() -> None:
        bottle.request.environ[PAGES] = pages
        _check_size()
        _check_token()

    app.add_hook("before_request", before)
    app.route(pages.css_path, "GET", lambda: _style(pages.css))
    app.route("/favicon.ico", "GET", lambda: bottle.HTTPResponse(status=204))
    pin.add_routes(app)
    for room in (status, check, repaired, facilitator, about):
        room.add_routes(app, view)
    for code in (400, 403, 404, 405, 413, 500):
        app.error(code)(_error_page)
    return app


def _check_size() -> None:
    """Refuse a form of very many fields before it is taken apart: that would cost a hundred times its size."""
    request = bottle.request
    if request.method in {"GET", "HEAD"}:
        return
    content = request.body.read()
    request.body.seek(0)
    is_parts = request.content_type.lower().startswith("multipart/")
    count = content.count(b"\n--") if is_parts else content.count(b"&") + content.count(b";")
    if count > (MOST_PARTS if is_parts else MOST_FIELDS):
        raise _Refusal(413, say("That was too much at once: the box takes 256 KB."))


def _check_token() -> None:
    request = bottle.request
    if request.method in {"GET", "HEAD"}:
        return
    gate = pages_of(request).gate
    try:
        token, language = field(request, "csrf"), field(request, "lang")
    except (UnicodeError, LookupError) as error:  # a form with a file that says it is in letters that there are not
        raise _Refusal(400, _SENTENCES[400]()) from error
    if language in LANGUAGES:
        request.environ[CHOSEN] = language
    if gate.token_is_right(request, token):
        return
    if gate.is_from_here(request):
        # Signed in anew meanwhile, or the browser has forgotten: what was typed is not lost for that.
        raise bottle.HTTPResponse(pin.once_more(request), 403)
    raise _Refusal(
        403,
        say("That form was too old, or not from this page. Go back, load the page again and send it once more."),
    )


class _Refusal(bottle.HTTPError):  # type: ignore[misc]  # bottle has no types
    """A refusal with a sentence of ours."""

    def __init__(self, status: int, sentence: Words) -> None:
        super().__init__(status, sentence.text)
        self.sentence = sentence


_SENTENCES: dict[int, Callable[[], Words]] = {
    400: lambda: say("The browser sent something that cannot be read."),
    404: lambda: say("There is no such page here."),
    405: lambda: say("There is no such page here."),
    413: lambda: say("That was too much at once: the box takes 256 KB."),
}


def _error_page(error: Any) -> str:
    if getattr(error, "exception", None) is not None:
        _LOG.error("the page %r failed: %s", bottle.request.path, told(error.exception))
    sentence = getattr(error, "sentence", None)
    if sentence is None:
        made = _SENTENCES.get(error.status_code)
        sentence = say("Something went wrong in the box. It goes on measuring.") if made is None else made()
    return render(bottle.request, "error.html", status=error.status_code, sentence=sentence)


def _style(css: bytes) -> Any:
    headers = {
        "Content-Type": "text/css; charset=utf-8",
        "Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable",
    }
    return bottle.HTTPResponse(body=css, headers=headers)
