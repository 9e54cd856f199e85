"""The language of a terminal: a command's options, its help and what it says, argparse's own texts too.

argparse takes its texts from gettext's current domain, so a command declares its options with the same: `_("…")`
within `speaking`. All of them are in the catalogue of the box's page.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from gettext import bindtextdomain, textdomain
from gettext import gettext as _
from pathlib import Path

from aldea.agents.page.words import DOMAIN, LOCALES, N_, Words, language_of_environment
from aldea.agents.page_settings import LANGUAGES
from aldea.model.said import in_spanish

OPTION = "--lang"
VARIABLE = "LC_ALL"
"""What `--lang` stands for: the variable that wins over the others."""


def add_language_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--lang`, which every command of the agent takes."""
    said = _("language of what is said here (default: that of LC_ALL, LC_MESSAGES or LANG, else en)")
    parser.add_argument(OPTION, choices=LANGUAGES, default=argparse.SUPPRESS, help=said)


def language_given(arguments: argparse.Namespace) -> str | None:
    """Return what `--lang` said, before or after the command's name; None where it was not given."""
    return getattr(arguments, "lang", None)


def language_wanted(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the language of a command line before it is read: its help is in it already."""
    for place, word in enumerate(words):
        wish = "".join(words[place + 1 : place + 2]) if word == OPTION else word.partition(f"{OPTION}=")[2]
        if wish in LANGUAGES:
            return wish
    return language_of_environment(environ)


@contextmanager
def speaking(language: str, domain: str = DOMAIN, locales: Path = LOCALES) -> Iterator[None]:
    """Within it, options are declared and read in a language, by the catalogue `domain` (the box's page's).

    English texts are the keys, and need nothing.
    """
    if language == "en":
        yield
        return
    before, wished = textdomain(), os.environ.get("LANGUAGE")
    bindtextdomain(domain, str(locales))
    textdomain(domain)
    os.environ["LANGUAGE"] = language
    try:
        yield
    finally:
        textdomain(before)
        if wished is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = wished


def read_words(
    prog: str, description: str, declare: Iterable[Callable[[argparse.ArgumentParser], None]], words: Sequence[str]
) -> argparse.Namespace:
    """Return the options in `words` as `declare` has them; help and mistakes are said in the language wanted."""
    with speaking(language_wanted(words, os.environ)):
        parser = argparse.ArgumentParser(prog=prog, description=_(description))
        for add in declare:
            add(parser)
        return parser.parse_args(words)


def tell(text: Words, language: str) -> None:
    """Print what came of it."""
    print(text.in_(language))  # noqa: T201 - for the person who started it


def complain(text: Words | str, language: str, program: str = "aldea agent") -> None:
    """Print why not: words, or a sentence that may be in both languages."""
    plain = in_spanish if language == "es" else str
    said = text.in_(language) if isinstance(text, Words) else plain(text)
    print(f"{program}: {said}", file=sys.stderr)  # noqa: T201 - for the person who started it


ARGPARSE = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("show this help message and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("unrecognized arguments: %s"),
    N_("expected one argument"),
    N_("expected at most one argument"),
    N_("expected at least one argument"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid %(type)s value: %(value)r"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("invalid choice: %(value)r, maybe you meant %(closest)r? (choose from %(choices)s)"),
    N_("unknown parser %(parser_name)r (choices: %(choices)s)"),
)
"""argparse's own texts, of Python 3.11 and newer, for the catalogue. One that a newer Python words anew is English."""
