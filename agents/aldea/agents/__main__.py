"""`python -m aldea.agents [run] [--site ID] ...`: runs the agent without the `aldea` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aldea.agents.commands import load_agent_settings, run_agent
from aldea.agents.enrol_command import add_enrol_options, run_enrol
from aldea.agents.settings import AgentSettings
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
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["enrol"]:
        parser = argparse.ArgumentParser(prog="python -m aldea.agents enrol", description="Exchange a code for access.")
        add_enrol_options(parser)
        return run_enrol(parser.parse_args(words[1:]))
    if words[:1] == ["take-over"]:
        return _take_over(words[1:])
    if words[:1] == ["doctor"]:
        return _doctor(words[1:])
    if words[:1] == ["pin"]:
        return _pin(words[1:])
    more = "run the agent; or: enrol --help, take-over --help, doctor --help, pin --help"
    parser.add_argument("command", nargs="?", choices=("run",), default="run", help=more)
    add_options(parser)
    arguments = parser.parse_args(words)
    return run_agent(arguments.config, environment_with(arguments))


def _take_over(words: Sequence[str]) -> int:
    from aldea.agents.take_over_command import add_take_over_options, run_take_over  # noqa: PLC0415 - seldom needed

    parser = argparse.ArgumentParser(
        prog="python -m aldea.agents take-over", description="Take over what an old disk of this site still holds."
    )
    add_take_over_options(parser)
    add_options(parser)
    arguments = parser.parse_args(words)
    return run_take_over(arguments, environment_with(arguments))


def _doctor(words: Sequence[str]) -> int:
    from aldea.agents.checkup.doctor import add_doctor_options, run_doctor, settings_to_check  # noqa: PLC0415 - seldom needed

    parser = argparse.ArgumentParser(prog="python -m aldea.agents doctor", description="What to check first.")
    add_doctor_options(parser)
    add_options(parser)
    arguments = parser.parse_args(words)
    environ = environment_with(arguments)
    try:
        settings, is_enrolled = settings_to_check(arguments.config, environ)
    except SettingsError as error:
        return _wrong(error)
    return run_doctor(settings, environ, as_json=arguments.json, is_enrolled=is_enrolled)


def _pin(words: Sequence[str]) -> int:
    from aldea.agents.page.pin_command import add_pin_options, run_pin  # noqa: PLC0415 - seldom needed

    parser = argparse.ArgumentParser(prog="python -m aldea.agents pin", description="A PIN for the facilitator.")
    add_pin_options(parser)
    add_options(parser)
    arguments = parser.parse_args(words)
    return run_pin(_settings(arguments), arguments)


def _settings(arguments: argparse.Namespace) -> AgentSettings:
    """Return the settings; end the program with code 2 where they are wrong."""
    try:
        return load_agent_settings(arguments.config, environment_with(arguments))
    except SettingsError as error:
        raise SystemExit(_wrong(error)) from None


def _wrong(error: SettingsError) -> int:
    for sentence in error.errors:
        print(f"aldea agent: {sentence}", file=sys.stderr)  # noqa: T201 - for the person who started it
    return 2


if __name__ == "__main__":
    sys.exit(main())
