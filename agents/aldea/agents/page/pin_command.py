"""`aldea agent pin`: a PIN for the facilitator's pages of this box."""

from __future__ import annotations

import argparse
import getpass
import sys

from aldea.agents.page.pins import PinStore, hash_pin, is_easy, is_pin, new_pin
from aldea.agents.settings import AgentSettings


def add_pin_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `pin`, besides those of every command."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--choose", action="store_true", help="ask for the PIN instead of making one")
    which.add_argument("--hash", action="store_true", help="keep nothing: print what goes into agent.page.pin_hash")


def run_pin(settings: AgentSettings, arguments: argparse.Namespace) -> int:
    """Set a new PIN and print it once; return the exit code: 0 done, 1 not."""
    try:
        pin = _asked() if arguments.choose else new_pin()
    except ValueError as error:
        print(f"aldea agent: {error}", file=sys.stderr)  # noqa: T201 - for the person who asked
        return 1
    if arguments.hash:
        print(f'The PIN is {pin}. In the settings: [agent.page] pin_hash = "{hash_pin(pin)}"')  # noqa: T201 - as above
        return 0
    try:
        PinStore(settings.data, settings.page.pin_hash).set(pin)
    except OSError as error:
        print(f"aldea agent: the PIN cannot be kept: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    told = "The PIN is set." if arguments.choose else f"The PIN is {pin}. It is not shown again."
    enabled = "" if settings.page.enabled else " The page is off: set agent.page.enabled = true."
    print(f"{told} Whoever was signed in has to give it anew.{enabled}")  # noqa: T201 - as above
    return 0


def _asked() -> str:
    """Return the PIN a person types, twice on a terminal. Raises ValueError with a sentence."""
    if not sys.stdin.isatty():
        first = again = sys.stdin.readline().strip()
    else:
        first, again = getpass.getpass("PIN: "), getpass.getpass("PIN again: ")
    if first != again:
        raise ValueError("the two PINs differ; nothing was changed")
    if not is_pin(first):
        raise ValueError("a PIN has 4 to 8 digits; nothing was changed")
    if is_easy(first):
        raise ValueError("that is among the first PINs that anybody tries; nothing was changed")
    return first
