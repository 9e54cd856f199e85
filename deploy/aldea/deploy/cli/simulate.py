"""`aldea simulate`.

The simulator's own options follow the command.

example:
  aldea simulate fleet --mqtt-host 127.0.0.1 --mqtt-port 1883 --data data/simulator --days 40
"""

from __future__ import annotations

import argparse

from aldea.simulator.__main__ import main as simulator_main


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take everything for the simulator."""
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="fleet [options]", help="aldea simulate fleet --help")


def run(arguments: argparse.Namespace) -> int:
    """Run the simulator."""
    return int(simulator_main(arguments.rest) or 0)
