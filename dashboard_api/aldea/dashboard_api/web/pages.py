"""Renders templates: one environment a language, and what every page carries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.directory import SEVERITY
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.web.access_words import PERMISSION_WORDS
from aldea.dashboard_api.web.assets import load_assets
from aldea.dashboard_api.web.carried import Carried
from aldea.dashboard_api.web.icons import STROKES
from aldea.dashboard_api.web.navigation import surroundings
from aldea.dashboard_api.web.shown import Shown, machine_time
from aldea.dashboard_api.web.words import COOKIE, LANGUAGES, Language, chosen_language, load_languages
from aldea.model.liveness import SiteState

TEMPLATES = Path(__file__).with_name("templates")
YEAR_SECONDS = 31_536_000

STATE_WORDS: Mapping[SiteState, str] = {
    SiteState.UP: N_("Up"),
    SiteState.SUSPECT: N_("In doubt"),
    SiteState.DOWN: N_("Down"),
    SiteState.UNKNOWN: N_("No data yet"),
}

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: (
        N_("That address can't be read"),
        N_("A part of it has a value that is not possible. Go back, or start from the list of sites."),
    ),
    401: (
        N_("Your session has ended"),
        N_("Go back, copy what you typed, sign in again and send it once more."),
    ),
    403: (
        N_("That is not allowed"),
        N_("The form may be too old: go back, load the page again and send it once more. Else ask an administrator."),
    ),
    404: (
        N_("There is no such page"),
        N_("The site may have another name, or have been removed. Look for it in the list of sites."),
    ),
    413: (
        N_("That is too much at once"),
        N_("What was sent is larger than is taken here. Divide the file, or send it in parts."),
    ),
    503: (
        N_("Not available just now"),
        N_("A store does not answer. Nothing is lost: what arrives is kept and will be shown. Try again in a moment."),
    ),
}
_CRASH = (
    N_("Something went wrong here"),
    N_("It has been written to the server's log. Try again; if it happens again, tell the operator the time."),
)


class Pages:
    """Makes the pages. Holds templates, catalogues and assets; knows no store."""

    def __init__(self, settings: ApiSettings) -> None:
        self.assets = load_assets()
        self.zone = ZoneInfo(settings.time_zone)
        self._languages = load_languages()
        self._environments = {code: _environment(code) for code in self._languages}

    def language(self, request: Request) -> Language:
        """Return the language of a request."""
        return self._languages[chosen_language(request)]

    def render(self, request: Request, template: str, code: int = 200, **values: Any) -> Response:
        """Return a page in the request's language, and remember a language that was asked for.

        Every template has `visitor`, `may("permission")`, `csrf_field()` for each form that posts, `csrf_token()`
        for scripts, and `flash`, the sentence that the last form has left.
        """
        language = self.language(request)
        fragment = request.query_params.get("fragment") == "1"
        carried = Carried(request, fragment=fragment)
        values = carried.values() | values
        text = (
            self._environments[language.code]
            .get_template(template)
            .render(
                lang=language.code,
                languages=[(code, _address(request, code)) for code in LANGUAGES],
                fragment=fragment,
                **surroundings(request, values["visitor"], values["may"]),
                **values,
            )
        )
        headers = {"Cache-Control": "no-cache", "Content-Language": language.code, "Vary": "Accept-Language, Cookie"}
        page = HTMLResponse(text, code, headers)
        if request.query_params.get("lang") == language.code:
            page.set_cookie(COOKIE, language.code, max_age=YEAR_SECONDS, samesite="lax", httponly=True)
        carried.leave(page)
        return page

    def forbidden(self, request: Request, permission: Permission) -> Response:
        """Return the page that says which right is missing and whom to ask."""
        return self.render(request, "forbidden.html", 403, missing=PERMISSION_WORDS[permission])

    def error(self, request: Request, status: int, detail: str) -> Response:
        """Return a page that says what went wrong and what to do; details for programs stay out of it."""
        del detail
        title, advice = _ERRORS.get(status, _ERRORS[400] if status < 500 else _CRASH)
        return self.render(request, "error.html", status, status=status, title=title, advice=advice)

    def shown(self, request: Request, now_ms: int) -> Shown:
        """Return the writer of values for a request."""
        return Shown(self.language(request), now_ms)


@cache
def _environment(code: str) -> Environment:
    """Return the templates in a language. They are the same for every app of a process, and compiled once."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    install = environment.install_gettext_translations  # type: ignore[attr-defined]  # made by the extension
    install(load_languages()[code].texts, newstyle=True)
    environment.filters["machine"] = machine_time
    environment.globals.update(
        asset={name: item.address for name, item in load_assets().items()},
        version=version("aldea"),
        strokes=STROKES,
        states=[(state, STATE_WORDS[state]) for state in SEVERITY],
        state_words=STATE_WORDS,
    )
    return environment


def _address(request: Request, code: str) -> str:
    return "?" + request.url.include_query_params(lang=code).remove_query_params("fragment").query
