"""`enrol` as a person or the installer runs it: the code may be asked for or come by the input, and is in no log."""

from __future__ import annotations

import argparse
import os
import sys
from gettext import gettext as _
from pathlib import Path

from aldea.agents.page.words import language_of_environment, say
from aldea.agents.terminal import add_language_option, complain, language_given


def add_enrol_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `enrol`."""
    parser.add_argument("--server", required=True, metavar="URL", help=_("the pages' address, https://…"))
    parser.add_argument(
        "--code",
        help=_("the one-time code, such as K7QM-3XPT; - reads it from the input (default: it is asked for)"),
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help=_("the authority that signed the server's certificate"))
    parser.add_argument(
        "--allow-http", action="store_true", help=_("on a network that is all yours: without encryption")
    )
    parser.add_argument("--data", type=Path, metavar="DATA", help=_("folder of the outbox") + " [ALDEA_DATA]")
    parser.add_argument(
        "--by-service", action="store_true", help=_("a service runs the agent: say nothing of starting it")
    )
    add_language_option(parser)


def run_enrol(arguments: argparse.Namespace) -> int:
    """Enrol this device; return the exit code: 0 done, 1 not."""
    from aldea.agents.enrolling import CannotEnrol, Where, enrol  # noqa: PLC0415 - seldom needed

    language = language_given(arguments) or language_of_environment(os.environ)
    folder = arguments.data or Path(os.environ.get("ALDEA_DATA") or "data")
    try:
        code = _code(arguments.code, say("The one-time code, such as K7QM-3XPT: ").in_(language))
        made = enrol(Where(arguments.server, arguments.ca, arguments.allow_http), code, folder, language)
    except CannotEnrol as error:
        complain(error.words, language)
        return 1
    place = {"device": f"{made.site}/{made.device}", "folder": folder}
    told = say("This device is %(device)s, kept in %(folder)s.", **place).in_(language)
    if not arguments.by_service:
        command = "aldea agent run" + (f" --data {folder}" if arguments.data else "")
        told += " " + say("Start it: %(command)s", command=command).in_(language)
    print(told)  # noqa: T201 - for the person who started it
    return 0


def _code(given: str | None, question: str) -> str:
    if given not in (None, "-"):
        return str(given)
    try:
        return input(question if given is None and sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""  # which the server's sentence about codes tells best
