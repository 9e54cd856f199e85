"""`aldea simulate`.

example:
  aldea simulate fleet --mqtt-host 127.0.0.1 --mqtt-port 1883 --data data/simulator --days 40
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.agents.terminal import speaking
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.words import DOMAIN, LOCALES, said, sentence_of
from aldea.simulator.__main__ import add_arguments, run_fleet
from aldea.simulator.state import StateError

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Run the simulator until it is stopped."""
    try:
        with speaking(arguments.lang, DOMAIN, LOCALES):  # the simulator knows no language but gettext's current one
            run_fleet(arguments)
    except StateError as error:
        raise CommandError(said("the simulated fleet cannot start: %(why)s", why=sentence_of(error))) from error
    return OK
