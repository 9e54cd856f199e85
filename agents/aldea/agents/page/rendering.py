"""Templates into pages, in the language of the request. `render` is what routes call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from aldea.agents.page.asking import CHOSEN
from aldea.agents.page.flash import kind_of, sentence_of
from aldea.agents.page.gate import Gate
from aldea.agents.page.navigation import PLACES
from aldea.agents.page.times import date_and_time, day_said, duration, zone_of
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import COOKIE, N_, Words, chosen_language, translate

_HERE = Path(__file__).parent
PAGES = "aldea.pages"
"""Where a request's environment holds the `Pages` it belongs to."""


class Pages:
    """Everything that pages share: the templates, the box they show, and the gate."""

    def __init__(self, view: BoxView, gate: Gate) -> None:
        self.view = view
        self.gate = gate
        self.css = (_HERE / "static/box.css").read_bytes()
        self.css_path = f"/box-{hashlib.sha256(self.css).hexdigest()[:12]}.css"
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals["_"] = _translated
        self._templates.filters.update(words=_words, when=self._when, lasting=_lasting, day=_day)

    def render(self, request: Any, template: str, **values: object) -> str:
        """Return a page as HTML."""
        shown = Shown(self, request)
        return self._templates.get_template(template).render(page=shown, language=shown.language, **values)

    @pass_context
    def _when(self, context: Context, at_ms: int | None) -> str:
        """Return a moment in the site's zone and the page's language."""
        if at_ms is None:
            return translate(context["language"], N_("time not known yet"), {})
        return date_and_time(at_ms, zone_of(self.view.settings), context["language"])


@dataclass(frozen=True, slots=True)
class Shown:
    """What every page is told besides its own values."""

    pages: Pages
    request: Any

    @property
    def language(self) -> str:
        """The language's code."""
        return language_of(self.request)

    @property
    def site_name(self) -> str:
        """What the village is called."""
        settings = self.pages.view.settings
        return settings.page.site_name or settings.site

    @property
    def css_path(self) -> str:
        """Where the style sheet is."""
        return self.pages.css_path

    @property
    def path(self) -> str:
        """This page's path."""
        return str(self.request.path)

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """The menu: paths and texts."""
        return PLACES

    @property
    def version(self) -> str:
        """The agent's version."""
        return self.pages.view.version

    @property
    def opening_ms(self) -> int | None:
        """For how long what the box has stored has been being opened; None where it is, or cannot be."""
        view = self.pages.view
        return None if view.opening_ms is None else view.clock.mono_ms() - view.opening_ms

    @property
    def csrf(self) -> str:
        """The token that each form carries."""
        return self.pages.gate.token(self.request)

    @property
    def signed_in(self) -> bool:
        """Whether the PIN was given in this browser."""
        return self.pages.gate.is_signed_in(self.request, is_use=False)

    @property
    def flash(self) -> str | None:
        """The sentence to show once, after a form was sent."""
        return sentence_of(self.request.query.get("said"))

    @property
    def flash_kind(self) -> str:
        """How that sentence is shown."""
        return kind_of(self.request.query.get("said"))

    @property
    def can_be_asked_again(self) -> bool:
        """Whether the page's address gives it again; what answers a form is gone with the next page."""
        return self.request.method in {"GET", "HEAD"}

    def in_language(self, code: str) -> str:
        """Return this page's address in another language."""
        asked = {
            name: self.request.query.getunicode(name) for name in self.request.query if name not in {"lang", "said"}
        }
        return f"{self.path}?{urlencode({**asked, 'lang': code})}"


def render(request: Any, template: str, **values: object) -> str:
    """Return a page as HTML, in the request's language."""
    return pages_of(request).render(request, template, **values)


def pages_of(request: Any) -> Pages:
    """Return what this request's page belongs to."""
    found = request.environ[PAGES]
    assert isinstance(found, Pages)
    return found


def language_of(request: Any) -> str:
    """Return the language of a request: `?lang=` or a form's, what was chosen before, else the site's."""
    default = pages_of(request).view.settings.page.language
    asked = request.environ.get(CHOSEN) or request.query.get("lang")
    return chosen_language(asked, request.get_cookie(COOKIE), default)


@pass_context
def _translated(context: Context, text: str, **values: object) -> str:
    return translate(context["language"], text, values)


@pass_context
def _words(context: Context, words: Words | None) -> str:
    return "" if words is None else words.in_(context["language"])


@pass_context
def _day(context: Context, text: str) -> str:
    return day_said(text, context["language"])


@pass_context
def _lasting(context: Context, ms: int) -> str:
    return duration(ms).in_(context["language"])
