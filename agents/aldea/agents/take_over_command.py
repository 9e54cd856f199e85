"""`take-over FOLDER` as a person runs it: what is shown, what is asked, and what the program returns."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from functools import partial
from gettext import gettext as _
from pathlib import Path

from aldea.agents.commands import complain_of, load_agent_settings
from aldea.agents.outbox.taking_over import CannotTakeOver
from aldea.agents.page.words import language_of_environment, say
from aldea.agents.take_over import take_over
from aldea.agents.terminal import complain, tell
from aldea.model.settings import SettingsError


def add_take_over_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `take-over`."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help=_("the old disk's data folder, or an outbox's file")
    )
    parser.add_argument("--yes", action="store_true", help=_("do not ask"))
    parser.add_argument(
        "--of-site", metavar="SITE", help=_("say which site the old disk is of, where it does not say so itself")
    )


def run_take_over(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Take over; return the exit code: 0 done or nothing to do, 1 not, or not all, 2 the settings are wrong."""
    language = language_of_environment(environ)
    try:
        settings = load_agent_settings(arguments.config, environ)
    except SettingsError as error:
        return complain_of(error, language)

    def agree() -> bool:
        if arguments.yes:
            return True
        if not sys.stdin.isatty():
            tell(say("Add --yes to take it over."), language)
            return False
        asked = say("Bring this into this box's outbox? [y/N] ").in_(language)
        return input(asked).strip().lower() in {"y", "yes", "s", "si", "sí"}

    try:
        went_well = take_over(settings, arguments.folder, partial(tell, language=language), agree, arguments.of_site)
    except CannotTakeOver as error:
        complain(error.words, language)
        return 1
    return 0 if went_well else 1
