"""Finds the command that was asked for. A plain install has the agent's commands alone, and says so."""

from __future__ import annotations

import argparse
import importlib
import os
import select
import sys
from collections.abc import Sequence
from gettext import gettext as _
from typing import Protocol

from aldea.agents.page import words as box
from aldea.agents.page.words import N_, say, translate
from aldea.agents.terminal import OPTION, complain, language_wanted, speaking
from aldea.deploy import words as server
from aldea.deploy.cli.helping import add_language_everywhere, epilog
from aldea.deploy.garbage import look_seldom
from aldea.model.settings import SettingsError

OK, FAILED, WRONG_USE = 0, 1, 2
NOBODY_READS = 141
"""What a shell reports of programs that SIGPIPE has ended."""

COMMANDS = {
    "up": N_("run all of Aldea on this machine, embedded parts only"),
    "agent": N_("what runs at a site: run, enrol, probe, doctor, pin, take-over"),
    "broker": N_("mosquitto's files: certificates, passwords, rules"),
    "collector": N_("take what agents send: a process of its own"),
    "alerts": N_("judge what arrived and tell people: a process of its own"),
    "rules": N_("the alert rules: check, list"),
    "api": N_("serve the API and the pages: a process of its own"),
    "user": N_("people: add, list, reset-password, grant, revoke, disable, token"),
    "contact": N_("how people are told: add, list, test"),
    "site": N_("the register's sites: add, list, show, enrol, import"),
    "device": N_("the devices at a site: list, replace, revoke, test, diagnostics, commands, cancel"),
    "release": N_(
        "the agent's releases: keygen, trust, sign, add, list, preview, roll-out, show, first, pause, resume, stop"
    ),
    "profile": N_("settings of agents: list, show, set, assign, send"),
    "start-for-real": N_("send the simulated fleet away, for good"),
    "import": N_("records from a file: csv"),
    "simulate": N_("a simulated fleet of villages on a broker"),
    "indicators": N_("the four steps: list, show, compute"),
    "tail": N_("show what agents send, decoded, as it arrives"),
    "migrate": N_("bring the register to this version"),
    "backup": N_("copy everything into one file, while Aldea runs"),
    "restore": N_("put a backup back"),
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
    """Something that the person at the terminal can mend; the message says how, or the error that it is made of."""

    def __init__(self, why: str | Exception) -> None:
        super().__init__(server.sentence_of(why) if isinstance(why, Exception) else why)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `aldea ARGUMENTS`; return the exit code. Who reads what it prints may stop when they have seen enough."""
    try:
        code = _main(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        return NOBODY_READS
    return code


def _nobody_reads() -> bool:
    """Say whether what is printed goes into a pipe that was closed at its other end, as by `| head`."""
    waiting = select.poll()
    waiting.register(sys.stdout.fileno(), select.POLLOUT)
    return any(events & select.POLLERR for _file, events in waiting.poll(0))


def _main(argv: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    language, words = language_wanted(given, os.environ), _named_first(given)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview(language))
        return OK
    if words[0] in ("-V", "--version"):
        print(_version())
        return OK
    name = words[0]
    if name not in COMMANDS:
        there = say(
            "there is no command %(name)s; there are %(commands)s", name=repr(name), commands=", ".join(COMMANDS)
        )
        complain(there, language, "aldea")
        return WRONG_USE
    return _run(name, words[1:], language)


def _named_first(words: list[str]) -> list[str]:
    """Return a command line with `--lang` behind the command's name, where it holds as well; none without a name."""
    first = words[0] if words else ""
    count = 2 if first == OPTION else int(first.startswith(f"{OPTION}="))
    return [*words[count : count + 1], *words[:count], *words[count + 1 :]] if len(words) > count else []


def _run(name: str, words: Sequence[str], language: str) -> int:
    if name != "agent":  # it lives on small machines, and has little to load
        look_seldom()
    try:
        command: Command = importlib.import_module(f"aldea.deploy.cli.{name.replace('-', '_')}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("aldea"):
            raise
        needed = say(
            "the server's parts are needed: pip install 'aldea[server]' (%(name)s is missing)", name=error.name
        )
        complain(needed, language, f"aldea {name}")
        return FAILED
    language = language_wanted(words, os.environ)
    if name == "agent":
        with speaking(language, box.DOMAIN, box.LOCALES):
            arguments = _read(name, command, words)
    else:
        with speaking(language, server.DOMAIN, server.LOCALES):
            arguments = _read(name, command, words)
        arguments.lang = language
    return _done(name, command, arguments, language)


def _done(name: str, command: Command, arguments: argparse.Namespace, language: str) -> int:
    try:
        return command.run(arguments)
    except CommandError as error:
        complain(error.args[0], language, f"aldea {name}")
        return FAILED
    except SettingsError as error:
        for sentence in error.errors:
            complain(sentence, language, f"aldea {name}")
        return WRONG_USE
    except KeyboardInterrupt:
        return 130


def _read(name: str, command: Command, words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"aldea {name}",
        description=_(COMMANDS[name]),
        epilog=epilog(command.__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    add_language_everywhere(parser)
    return parser.parse_args(words)


def _overview(language: str) -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {translate(language, text, {})}" for name, text in COMMANDS.items()]
    usage = say("usage: aldea COMMAND [options]").in_(language)
    more = say("aldea COMMAND --help explains each, with an example.").in_(language)
    return "\n".join([usage, "", *lines, "", more])


def _version() -> str:
    from importlib.metadata import version

    return version("aldea")
