"""The page's languages: gettext catalogues, and which of them a request gets."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from aldea.agents.page_settings import LANGUAGES

LOCALES = Path(__file__).with_name("locale")
DOMAIN = "box"
COOKIE = "aldea_lang"


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a text that is translated later
    """Mark a text for the catalogue, and return it as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in no language yet: its English text and the values in it, `%(name)s`."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_(self, language: str) -> str:
        """Return the sentence in a language."""
        return translate(language, self.text, self.values)


def say(text: str, **values: object) -> Words:
    """Return a sentence to be put into a language later. The text is collected for the catalogue."""
    return Words(text, values)


def translate(language: str, text: str, values: Mapping[str, object]) -> str:
    """Return `text` in a language, its values filled in; values that are `Words` are put into it as well.

    Raises KeyError for a value that the text names and nobody gave.
    """
    found = catalogue(language).gettext(text)
    if not values:
        return found
    return found % {name: value.in_(language) if isinstance(value, Words) else value for name, value in values.items()}


class Unable(Exception):
    """Something cannot be done; `words` say why, and what to do."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.in_("en"))
        self.words = words


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return a language's texts; English needs none, since its texts are the keys."""
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True)


def chosen_language(asked: str | None, cookie: str | None, default: str) -> str:
    """Return the language's code: the one asked for, else the one chosen before, else the site's."""
    return next((wish for wish in (asked, cookie) if wish in LANGUAGES), default) or default


def language_of_environment(environ: Mapping[str, str]) -> str:
    """Return the language a terminal wants: Spanish where LC_ALL, LC_MESSAGES or LANG say so, else English."""
    wish = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "es" if wish.startswith("es") else "en"
