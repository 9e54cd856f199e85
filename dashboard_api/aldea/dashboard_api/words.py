"""What the API and the pages refuse: a sentence in both languages, from the catalogue of the pages."""

from __future__ import annotations

from functools import cache

from babel.support import NullTranslations

from aldea.dashboard_api.web.words import load_languages
from aldea.model.said import Said, filled


def said(text: str, **values: object) -> Said:
    """Return a sentence in both languages, its values `%(name)s` filled in; a value that is a `Said` is put in both.

    Raises KeyError for a value that the text names and nobody gave.
    """
    return filled(text, str(_spanish().ugettext(text)), values)


@cache
def _spanish() -> NullTranslations:
    return load_languages()["es"].texts
