"""Finds the command that was asked for. A plain install has the agent's commands alone, and says so."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Protocol

from aldea.deploy.garbage import look_seldom
from aldea.model.settings import SettingsError

OK, FAILED, WRONG_USE = 0, 1, 2

COMMANDS = {
    "up": "run all of Aldea on this machine, embedded parts only",
    "agent": "what runs at a site: run, enrol, probe, doctor, pin, take-over",
    "broker": "mosquitto's files: certificates, passwords, rules",
    "collector": "take what agents send: a process of its own",
    "alerts": "judge what arrived and tell people: a process of its own",
    "rules": "the alert rules: check, list",
    "api": "serve the API and the pages: a process of its own",
    "user": "people: add, list, reset-password, grant, revoke, disable, token",
    "contact": "how people are told: add, list, test",
    "site": "the register's sites: add, list, show, enrol, import",
    "device": "the devices at a site: list, replace, revoke, test, diagnostics, commands, cancel",
    "release": "the agent's releases: keygen, trust, sign, add, list, preview, roll-out, show, pause, resume, stop",
    "profile": "settings of agents: list, show, set, assign, send",
    "start-for-real": "send the simulated fleet away, for good",
    "import": "records from a file: csv",
    "simulate": "a simulated fleet of villages on a broker",
    "indicators": "the four steps: list, show, compute",
    "tail": "show what agents send, decoded, as it arrives",
    "migrate": "bring the register to this version",
    "backup": "copy everything into one file, while Aldea runs",
    "restore": "put a backup back",
}


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit code: 0 done, 1 failed, 2 used wrongly."""
        ...


class CommandError(Exception):
    """Something that the person at the terminal can mend; the message says how."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `aldea ARGUMENTS`; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return OK
    if words[0] in ("-V", "--version"):
        print(_version())
        return OK
    name = words[0]
    if name not in COMMANDS:
        print(f"aldea: there is no command {name!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return WRONG_USE
    return _run(name, words[1:])


def _run(name: str, words: Sequence[str]) -> int:
    if name != "agent":  # it lives on small machines, and has little to load
        look_seldom()
    try:
        command: Command = importlib.import_module(f"aldea.deploy.cli.{name.replace('-', '_')}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("aldea"):
            raise
        print(
            f"aldea {name} needs the server's parts: pip install 'aldea[server]' ({error.name} is missing)",
            file=sys.stderr,
        )
        return FAILED
    parser = argparse.ArgumentParser(
        prog=f"aldea {name}",
        description=COMMANDS[name],
        epilog=(command.__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    arguments = parser.parse_args(words)
    try:
        return command.run(arguments)
    except CommandError as error:
        print(f"aldea {name}: {error}", file=sys.stderr)
        return FAILED
    except SettingsError as error:
        for sentence in error.errors:
            print(f"aldea {name}: {sentence}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return 130


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        ["usage: aldea COMMAND [options]", "", *lines, "", "aldea COMMAND --help explains each, with an example."]
    )


def _version() -> str:
    from importlib.metadata import version

    return version("aldea")
