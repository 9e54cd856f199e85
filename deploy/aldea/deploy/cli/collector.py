"""`aldea collector`.

Settings come from the table [collector] of aldea.toml and from ALDEA_*.

example:
  ALDEA_DATA=/var/lib/aldea aldea collector --config /etc/aldea/aldea.toml
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aldea.collector.__main__ import add_options
from aldea.collector.running import CannotRun, run_collector
from aldea.collector.settings import read_settings
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.garbage import settle_garbage

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C."""
    settings = read_settings(arguments.config, os.environ)
    settle_garbage()
    try:
        run_collector(settings)
    except CannotRun as error:
        raise CommandError(error) from error
    return OK
