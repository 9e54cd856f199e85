"""`take-over FOLDER` as a person runs it: what is shown, what is asked, and what the program returns."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from aldea.agents.commands import load_agent_settings
from aldea.agents.outbox.taking_over import CannotTakeOver
from aldea.agents.take_over import take_over
from aldea.model.settings import SettingsError


def add_take_over_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `take-over`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the old disk's data folder, or an outbox's file")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--of-site", metavar="SITE", help="say which site the old disk is of, where it does not say so itself"
    )


def run_take_over(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Take over; return the exit code: 0 done or nothing to do, 1 not, or not all, 2 the settings are wrong."""
    try:
        settings = load_agent_settings(arguments.config, environ)
    except SettingsError as error:
        for sentence in error.errors:
            print(f"aldea agent: {sentence}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 2
    agree: Callable[[], bool] = (lambda: True) if arguments.yes else _asked
    try:
        went_well = take_over(settings, arguments.folder, _say, agree, arguments.of_site)
    except CannotTakeOver as error:
        print(f"aldea agent: {error}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 1
    return 0 if went_well else 1


def _say(sentence: str) -> None:
    print(sentence)  # noqa: T201 - for the person who started it


def _asked() -> bool:
    if not sys.stdin.isatty():
        _say("Add --yes to take it over.")
        return False
    return input("Bring this into this box's outbox? [y/N] ").strip().lower() in {"y", "yes", "s", "si", "sí"}
