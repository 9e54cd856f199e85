"""Languages: the catalogues, and which of them a request gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from babel import Locale
from babel.support import NullTranslations, Translations
from fastapi import Request

LOCALES = Path(__file__).with_name("locale")
DOMAIN = "messages"
LANGUAGES = ("es", "en")
"""Spanish first: it is what is served when a browser says nothing."""

COOKIE = "aldea_lang"


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its texts. `formats` is the locale that numbers and dates are written in."""

    code: str
    formats: Locale
    texts: NullTranslations


def load_languages() -> Mapping[str, Language]:
    """Return every language with its compiled catalogue, by code."""
    formats = {"es": Locale("es", "MX"), "en": Locale("en", "US")}
    return {
        code: Language(code, formats.get(code) or Locale.parse(code), Translations.load(LOCALES, [code], DOMAIN))
        for code in LANGUAGES
    }


def chosen_language(request: Request) -> str:
    """Return the code of the language for a request: `?lang=`, then the cookie, then the browser's wish."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return str(wish)
    return _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> str:
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), place, tag.strip().lower().split("-")[0]))
        except ValueError:
            continue
    return next((code for weight, _, code in sorted(wishes) if weight < 0 and code in LANGUAGES), LANGUAGES[0])
