"""`python -m aldea.collector [--config FILE]`: runs the collector without the `aldea` command."""

from __future__ import annotations

import argparse
import os
import sys
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.collector.running import CannotRun, run_collector
from aldea.collector.settings import read_settings
from aldea.model.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence


EXAMPLE = Path(__file__).with_name("collector.example.toml")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the collector's one option, in the language of gettext's current domain."""
    where = str(EXAMPLE).replace("%", "%%")
    said = _("settings file (default: aldea.toml here); each setting is in {file}").format(file=where)
    parser.add_argument("--config", type=Path, metavar="FILE", help=said)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the collector; return the exit code: 0 stopped in order, 1 cannot run, 2 the settings are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m aldea.collector",
        description="Take in what the agents send: journal it, acknowledge it, write it to the stores.",
        epilog="example: ALDEA_DATA=/var/lib/aldea python -m aldea.collector --config /etc/aldea/aldea.toml",
    )
    add_options(parser)
    arguments = parser.parse_args(argv)
    try:
        run_collector(read_settings(arguments.config, os.environ))
    except SettingsError as error:
        for sentence in error.errors:
            print(f"aldea collector: {sentence}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 2
    except CannotRun as error:
        print(f"aldea collector: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
