"""`aldea agent`.

examples:
  aldea agent enrol --server https://aldea.example.org --code K7QM-3XPT
  aldea agent run --site isla-arena --mqtt-host broker.example.org
  aldea agent probe ping --site isla-arena
  aldea agent doctor --site isla-arena
  aldea agent pin --site isla-arena
  aldea agent take-over /media/usb/var/lib/aldea-agent
"""

from __future__ import annotations

import json
from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.agents.__main__ import EXAMPLE, add_options, environment_with
from aldea.agents.checkup.doctor import add_doctor_options, run_doctor, settings_to_check
from aldea.agents.commands import load_agent_settings, run_agent, run_one_probe
from aldea.agents.enrol_command import add_enrol_options, run_enrol
from aldea.agents.page.pin_command import add_pin_options, run_pin
from aldea.agents.page.words import language_of_environment, say
from aldea.agents.probes import PROBES
from aldea.agents.take_over_command import add_take_over_options, run_take_over
from aldea.agents.terminal import add_language_option, tell
from aldea.deploy.cli.main import OK

if TYPE_CHECKING:
    import argparse

    from aldea.agents.settings import AgentSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_language_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="run|enrol|probe|doctor|pin|take-over")
    add_options(actions.add_parser("run", help=_("measure this site and deliver what was measured")))
    add_enrol_options(actions.add_parser("enrol", help=_("exchange a one-time code for this device's access")))
    probe = actions.add_parser("probe", help=_("run one probe once and show its readings; nothing is stored or sent"))
    probe.add_argument("name", choices=sorted(PROBES))
    probe.add_argument("--json", action="store_true", help=_("one JSON document"))
    add_options(probe)
    look = actions.add_parser("doctor", help=_("check everything from power to server, in order: what to check first"))
    add_doctor_options(look)
    add_options(look)
    pin = actions.add_parser("pin", help=_("a new PIN for the facilitator's pages of this box"))
    add_pin_options(pin)
    add_options(pin)
    taking = actions.add_parser("take-over", help=_("bring in what an old disk of this site had not delivered"))
    add_take_over_options(taking)
    add_options(taking)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    if arguments.action == "enrol":
        return run_enrol(arguments)
    environ = environment_with(arguments)
    if arguments.action == "run":
        return run_agent(arguments.config, environ)
    if arguments.action == "take-over":
        return run_take_over(arguments, environ)
    if arguments.action == "doctor":
        settings, is_enrolled = settings_to_check(arguments.config, environ)
        return run_doctor(settings, environ, as_json=arguments.json, is_enrolled=is_enrolled)
    settings, language = load_agent_settings(arguments.config, environ), language_of_environment(environ)
    if arguments.action == "pin":
        return run_pin(settings, arguments, language)
    return _probe(settings, arguments, language)


def _probe(settings: AgentSettings, arguments: argparse.Namespace, language: str) -> int:
    readings = run_one_probe(settings, arguments.name)
    if arguments.json:
        shown = [
            {"measurement": item.measurement, "tags": dict(item.tags), "fields": dict(item.fields)} for item in readings
        ]
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return OK
    for item in readings:
        pairs = " ".join(f"{key}={value}" for key, value in {**item.tags, **item.fields}.items() if value is not None)
        print(f"{item.measurement} {pairs}")
    if not readings:
        text = say(
            "%(probe)s: nothing to measure here; see its settings in %(file)s", probe=arguments.name, file=EXAMPLE
        )
        tell(text, language)
    return OK
