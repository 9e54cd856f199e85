"""What the commands say as the pages say it, so that a person meets one word for one thing."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from aldea.dashboard_api import web
from aldea.model.said import Said

DOMAIN = "messages"


def as_on_pages(plain: str, text: str = "") -> Said:
    """Return a text in English; in Spanish as the pages say it, or say `text` in its place.

    The pages begin with a capital and end with a stop; the Spanish is without where the English is. What is not in
    the pages' catalogue stays as it is.
    """
    for known in (text, plain, f"{plain[:1].upper()}{plain[1:]}."):
        spanish = translated(known)
        if spanish != known:
            return Said(plain, _as_plain(spanish, plain))
    return Said(plain, plain)


def translated(text: str) -> str:
    """Return a text of the pages in Spanish; as it is where they have none."""
    return _pages().gettext(text) if text else text


def _as_plain(spanish: str, plain: str) -> str:
    if not plain.endswith("."):
        spanish = spanish.removesuffix(".")
    return spanish if plain[:1].isupper() else f"{spanish[:1].lower()}{spanish[1:]}"


@cache
def _pages() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, Path(web.__file__).with_name("locale"), ["es"], fallback=True)
