"""What the server's commands say: a sentence in both languages, from a catalogue of their own.

The small agent's catalogue is the box's page's; none of these texts is in it.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.agents.page.words import Unable
from aldea.model.said import Said, filled, in_language

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

__all__ = ["DOMAIN", "LOCALES", "N_", "in_language", "said", "sentence_of", "tell"]

LOCALES = Path(__file__).with_name("locale")
DOMAIN = "server"


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a text that is translated later
    """Mark a text for the catalogue, and return it as it is."""
    return text


def said(text: str, **values: object) -> Said:
    """Return a sentence in both languages, its values `%(name)s` filled in; a value that is a `Said` is put in both.

    Raises KeyError for a value that the text names and nobody gave.
    """
    return filled(text, _spanish().gettext(text), values)


def sentence_of(error: BaseException) -> str:
    """Return what an error says, in both languages where it was said in both."""
    if isinstance(error, Unable):
        return Said(error.words.in_("en"), error.words.in_("es"))
    first = error.args[0] if len(error.args) == 1 else None
    return first if isinstance(first, Said) else str(error)


def tell(text: str, arguments: argparse.Namespace, *, file: TextIO | None = None, flush: bool = False) -> None:
    """Print a sentence for the person who typed the command, in the language they want."""
    print(in_language(text, arguments.lang), file=file, flush=flush)


@cache
def _spanish() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, ["es"], fallback=True)
