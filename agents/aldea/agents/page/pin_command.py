"""`aldea agent pin`: a PIN for the facilitator's pages of this box."""

from __future__ import annotations

import argparse
import getpass
import sys
from gettext import gettext as _

from aldea.agents.page.pins import PinStore, hash_pin, is_easy, is_pin, new_pin
from aldea.agents.page.words import Unable, say
from aldea.agents.settings import AgentSettings
from aldea.agents.terminal import complain, tell


class _NoPin(Unable):
    """What was typed can't be the PIN; `words` say why."""


def add_pin_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `pin`, besides those of every command."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--choose", action="store_true", help=_("ask for the PIN instead of making one"))
    which.add_argument("--hash", action="store_true", help=_("keep nothing: print what goes into agent.page.pin_hash"))


def run_pin(settings: AgentSettings, arguments: argparse.Namespace, language: str) -> int:
    """Set a new PIN and print it once, in a language; return the exit code: 0 done, 1 not."""
    try:
        pin = _asked(language) if arguments.choose else new_pin()
    except _NoPin as error:
        complain(error.words, language)
        return 1
    if arguments.hash:
        kept = f'[agent.page] pin_hash = "{hash_pin(pin)}"'
        tell(say("The PIN is %(pin)s. In the settings: %(kept)s", pin=pin, kept=kept), language)
        return 0
    try:
        PinStore(settings.data, settings.page.pin_hash).set(pin)
    except OSError as error:
        complain(say("the PIN cannot be kept: %(why)s", why=error), language)
        return 1
    said = [
        say("The PIN is set.") if arguments.choose else say("The PIN is %(pin)s. It is not shown again.", pin=pin),
        say("Whoever was signed in has to give it anew."),
        *([] if settings.page.enabled else [say("The page is off: set agent.page.enabled = true.")]),
    ]
    print(" ".join(item.in_(language) for item in said))  # noqa: T201 - for the person who asked
    return 0


def _asked(language: str) -> str:
    """Return the PIN a person types, twice on a terminal. Raises _NoPin."""
    if not sys.stdin.isatty():
        first = again = sys.stdin.readline().strip()
    else:
        first = getpass.getpass("PIN: ")
        again = getpass.getpass(say("PIN again: ").in_(language))
    if first != again:
        raise _NoPin(say("the two PINs differ; nothing was changed"))
    if not is_pin(first):
        raise _NoPin(say("a PIN has 4 to 8 digits; nothing was changed"))
    if is_easy(first):
        raise _NoPin(say("that is among the first PINs that anybody tries; nothing was changed"))
    return first
