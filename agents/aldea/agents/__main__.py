"""`python -m aldea.agents [run] [--site ID] ...`: runs the agent without the `aldea` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aldea.agents.commands import load_agent_settings, run_agent
from aldea.model.settings import SettingsError

EXAMPLE = Path(__file__).with_name("agent.example.toml")

# Options are the environment's variables by another name, so that there is one order: option, variable, file.
_OPTIONS = {
    "site": ("ALDEA_SITE", "the site's id"),
    "device": ("ALDEA_DEVICE", "this box's id within the site"),
    "data": ("ALDEA_DATA", "folder of the outbox"),
    "mqtt-host": ("ALDEA_MQTT_HOST", "the broker's host name or address"),
    "mqtt-port": ("ALDEA_MQTT_PORT", "the broker's port"),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that every command of the agent takes."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"settings file (default: aldea.toml here); each setting is in {EXAMPLE}",
    )
    for name, (variable, help_text) in _OPTIONS.items():
        parser.add_argument(f"--{name}", metavar=name.upper(), help=f"{help_text} [{variable}]")


def environment_with(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment with the options over it."""
    given = {variable: getattr(arguments, name.replace("-", "_")) for name, (variable, _) in _OPTIONS.items()}
    return {**os.environ, **{variable: value for variable, value in given.items() if value is not None}}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent; return the exit code: 0 stopped in order, 1 cannot run, 2 the settings are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m aldea.agents",
        description="Measure this site and deliver what was measured.",
        epilog="example: python -m aldea.agents run --site yaxcaba --mqtt-host broker.example.org",
    )
    parser.add_argument("command", nargs="?", choices=("run",), default="run", help="run the agent (default)")
    add_options(parser)
    arguments = parser.parse_args(argv)
    try:
        settings = load_agent_settings(arguments.config, environment_with(arguments))
    except SettingsError as error:
        for sentence in error.errors:
            print(f"aldea agent: {sentence}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 2
    return run_agent(settings)


if __name__ == "__main__":
    sys.exit(main())
