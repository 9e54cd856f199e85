"""`python -m aldea.agents [run] [--site ID] ...`: runs the agent without the `aldea` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from gettext import gettext as _
from pathlib import Path

from aldea.agents.commands import complain_of, load_agent_settings, run_agent
from aldea.agents.enrol_command import add_enrol_options, run_enrol
from aldea.agents.page.words import N_, language_of_environment
from aldea.agents.terminal import VARIABLE, add_language_option, language_given, read_words
from aldea.model.settings import SettingsError

EXAMPLE = Path(__file__).with_name("agent.example.toml")
PROGRAM = "python -m aldea.agents"

# Options are the environment's variables by another name, so that there is one order: option, variable, file.
_OPTIONS = {
    "site": ("ALDEA_SITE", N_("the site's id")),
    "device": ("ALDEA_DEVICE", N_("this box's id within the site")),
    "data": ("ALDEA_DATA", N_("folder of the outbox")),
    "mqtt-host": ("ALDEA_MQTT_HOST", N_("the broker's host name or address")),
    "mqtt-port": ("ALDEA_MQTT_PORT", N_("the broker's port")),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that every command of the agent takes."""
    where = str(EXAMPLE).replace("%", "%%")
    said = _("settings file (default: aldea.toml here); each setting is in {file}").format(file=where)
    parser.add_argument("--config", type=Path, metavar="FILE", help=said)
    for name, (variable, help_text) in _OPTIONS.items():
        parser.add_argument(f"--{name}", metavar=name.upper(), help=f"{_(help_text)} [{variable}]")
    add_language_option(parser)


def environment_with(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment with the options over it."""
    given = {variable: getattr(arguments, name.replace("-", "_")) for name, (variable, _help) in _OPTIONS.items()}
    given[VARIABLE] = language_given(arguments)
    return {**os.environ, **{variable: value for variable, value in given.items() if value is not None}}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent; return the exit code: 0 stopped in order, 1 cannot run, 2 the settings are wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "enrol": _enrol,
        "take-over": _take_over,
        "doctor": _doctor,
        "pin": _pin,
    }
    if words and words[0] in commands:
        return commands[words[0]](words[1:])
    arguments = read_words(
        PROGRAM, N_("Measure this site and deliver what was measured."), [_add_run, add_options], words
    )
    return run_agent(arguments.config, environment_with(arguments))


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _("example: {command}").format(
        command=f"{PROGRAM} run --site yaxcaba --mqtt-host broker.example.org"
    )
    more = _("run the agent; or: {others}").format(others="enrol --help, take-over --help, doctor --help, pin --help")
    parser.add_argument("command", nargs="?", choices=("run",), default="run", help=more)


def _enrol(words: Sequence[str]) -> int:
    return run_enrol(read_words(f"{PROGRAM} enrol", N_("Exchange a code for access."), [add_enrol_options], words))


def _take_over(words: Sequence[str]) -> int:
    from aldea.agents.take_over_command import add_take_over_options, run_take_over  # noqa: PLC0415 - seldom needed

    said = N_("Take over what an old disk of this site still holds.")
    arguments = read_words(f"{PROGRAM} take-over", said, [add_take_over_options, add_options], words)
    return run_take_over(arguments, environment_with(arguments))


def _doctor(words: Sequence[str]) -> int:
    from aldea.agents.checkup.doctor import add_doctor_options, run_doctor, settings_to_check  # noqa: PLC0415 - seldom needed

    arguments = read_words(f"{PROGRAM} doctor", N_("What to check first."), [add_doctor_options, add_options], words)
    environ = environment_with(arguments)
    try:
        settings, is_enrolled = settings_to_check(arguments.config, environ)
    except SettingsError as error:
        return complain_of(error, language_of_environment(environ))
    return run_doctor(settings, environ, as_json=arguments.json, is_enrolled=is_enrolled)


def _pin(words: Sequence[str]) -> int:
    from aldea.agents.page.pin_command import add_pin_options, run_pin  # noqa: PLC0415 - seldom needed

    arguments = read_words(f"{PROGRAM} pin", N_("A PIN for the facilitator."), [add_pin_options, add_options], words)
    environ = environment_with(arguments)
    language = language_of_environment(environ)
    try:
        settings = load_agent_settings(arguments.config, environ)
    except SettingsError as error:
        return complain_of(error, language)
    return run_pin(settings, arguments, language)


if __name__ == "__main__":
    sys.exit(main())
