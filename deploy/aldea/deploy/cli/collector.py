"""`aldea collector`.

Settings come from the table [collector] of aldea.toml and from ALDEA_*; collector/collector.example.toml has them all.

example:
  ALDEA_DATA=/var/lib/aldea aldea collector --config /etc/aldea/aldea.toml
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.collector.running import CannotRun, run_collector
from aldea.collector.settings import read_settings
from aldea.deploy.cli.main import OK, CommandError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: aldea.toml here)")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C."""
    try:
        run_collector(read_settings(arguments.config, os.environ))
    except CannotRun as error:
        raise CommandError(str(error)) from error
    return OK
