"""`aldea broker`.

examples:
  aldea broker config --out /etc/mosquitto/aldea --name broker.example.org --group mosquitto
  aldea broker certificates --out /etc/mosquitto/aldea --name broker.example.org --name 203.0.113.7
  aldea broker sync --out /etc/mosquitto/aldea --group mosquitto --watch
  aldea broker publisher weather --topic 'weather/#'
"""

from __future__ import annotations

import argparse
import grp
import json
import os
import re
import signal
import threading
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.broker.access import AccessFiles, AccessKeeper
from aldea.deploy.broker.base import BrokerError
from aldea.deploy.broker.certificates import own_certificates
from aldea.deploy.broker.packaged import write_packaged
from aldea.deploy.broker.secured import FIELD_PORT, FieldWish
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.said import joined
from aldea.storage.register import RegisterError
from aldea.storage.register.credentials import make_credential, revoke_credential, valid_credentials

if TYPE_CHECKING:
    from aldea.storage.register import Register

MOST_TOPIC_BYTES = 1000
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="config|certificates|sync|publisher|list|revoke"
    )
    config = actions.add_parser("config", help=_("write mosquitto's configuration, certificates, passwords and rules"))
    _add_folder(config)
    config.add_argument("--name", required=True, help=_("the host name or address by which agents reach the broker"))
    config.add_argument("--host", default="0.0.0.0", help=_("the address to listen on (default: all)"))  # noqa: S104
    config.add_argument("--port", type=int, default=FIELD_PORT, help=_("the agents' port (default: %(default)s)"))
    config.add_argument("--local-port", type=int, default=1883, help=_("the loopback port of the server's own parts"))
    config.add_argument("--certificate", type=Path, help=_("your own certificate (with its chain) instead of ours"))
    config.add_argument("--key", type=Path, help=_("its key"))
    certificates = actions.add_parser("certificates", help=_("make an authority and a certificate of our own"))
    certificates.add_argument("--out", type=Path, required=True, metavar="DIR")
    certificates.add_argument("--name", action="append", required=True, help=_("host name or address; repeatable"))
    sync = actions.add_parser("sync", help=_("write passwords and rules from the register again"))
    _add_folder(sync)
    sync.add_argument("--watch", action="store_true", help=_("go on, and write after each change, until stopped"))
    sync.add_argument(
        "--signal", type=_process, metavar="PID", help=_("send this process, the broker's, SIGHUP after each change")
    )
    publisher = actions.add_parser("publisher", help=_("a password for a device that is not an agent (shown once)"))
    publisher.add_argument("username", help=_("1 to 39 of a-z, 0-9 and -"))
    publisher.add_argument("--topic", action="append", required=True, help=_("what it may publish to; repeatable"))
    listing = actions.add_parser("list", help=_("who has a password at the broker"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    revoke = actions.add_parser("revoke", help=_("end a publisher's password"))
    revoke.add_argument("username")


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=_("mosquitto's folder of our files"))
    parser.add_argument("--group", help=_("the group that may read them, such as mosquitto (default: the owner alone)"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    try:
        if arguments.action == "certificates":
            return _certificates(arguments)
        with opened_register(arguments) as register:
            register.check()
            actions = {"config": _config, "sync": _sync, "publisher": _publisher, "list": _list, "revoke": _revoke}
            return actions[arguments.action](register, arguments)
    except (BrokerError, RegisterError) as error:
        raise CommandError(error) from error


def _certificates(arguments: argparse.Namespace) -> int:
    files = own_certificates(arguments.out, arguments.name, SystemClock())
    tell(
        said(
            "certificate %(certificate)s, key %(key)s, authority %(authority)s (agents get it when they enrol)",
            certificate=files.certificate,
            key=files.key,
            authority=files.ca,
        ),
        arguments,
    )
    return OK


def _config(register: Register, arguments: argparse.Namespace) -> int:
    if (arguments.certificate is None) != (arguments.key is None):
        raise CommandError(said("--certificate and --key go together: give both or neither"))
    wish = FieldWish(arguments.host, arguments.port, arguments.name, arguments.certificate, arguments.key)
    for line in write_packaged(register, _files(arguments), wish, arguments.local_port, SystemClock()):
        tell(line, arguments)
    return OK


def _sync(register: Register, arguments: argparse.Namespace) -> int:
    files = _files(arguments)
    keeper = AccessKeeper(register, files, lambda: _changed(files, arguments))
    if not arguments.watch:
        keeper.look()
        tell(
            said(
                "%(passwords)s and %(rules)s are as the register has it; reload mosquitto if they changed.",
                passwords=files.passwords,
                rules=files.rules,
            ),
            arguments,
        )
        return OK
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    keeper.run_until(stopping)
    return OK


def _process(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(
            _("%(text)r is no process: give its number, such as that in mosquitto.pid") % {"text": text}
        )
    return int(text)


def _changed(files: AccessFiles, arguments: argparse.Namespace) -> None:
    """Say it, and have the broker read its files again. Raises BrokerError."""
    tell(said("%(folder)s has changed", folder=files.folder), arguments, flush=True)
    process = arguments.signal
    if process is None:
        return
    try:
        os.kill(process, signal.SIGHUP)
    except OSError as error:
        raise BrokerError(
            said("process %(number)s was not told to read them again (%(why)s)", number=process, why=reason_of(error))
        ) from error


def _publisher(register: Register, arguments: argparse.Namespace) -> int:
    if not NAME.fullmatch(arguments.username) or arguments.username.startswith("aldea-"):
        raise CommandError(
            said(
                "the name %(name)r must be 1 to 39 of a-z, 0-9 and -, and not begin with aldea-",
                name=arguments.username,
            )
        )
    for topic in arguments.topic:
        first, *rest = topic.split("/")
        wild = [level for level in rest if set(level) & set("+#") and level != "+"]
        if first in ("", "aldea") or set(first) & set("+#$") or not topic.isprintable() or topic != topic.strip():
            raise CommandError(
                said("--topic %(topic)r must begin with a level of its own that is not aldea, + or #", topic=topic)
            )
        # One bad line would keep mosquitto from reading all the others.
        if wild not in ([], ["#"]) or (wild and rest[-1] != "#") or len(topic.encode()) > MOST_TOPIC_BYTES:
            raise CommandError(
                said(
                    "--topic %(topic)r: + stands for a whole level, and # for all that follow, at the end", topic=topic
                )
            )
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        password = make_credential(unit, arguments.username, now, hardware={"publishes": arguments.topic})
    lines = [
        said("user %(name)s", name=arguments.username),
        said("password %(password)s", password=password),
        said("It is shown this once; running this again makes another."),
    ]
    tell(joined(lines, "\n"), arguments)
    return OK


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = valid_credentials(unit)
    if arguments.json:
        shown = [
            {"username": item.username, "site": item.site, "device": item.device, "created_ms": item.created_ms}
            for item in found
        ]
        print(json.dumps(shown, indent=2))
        return OK
    for item in found:
        print(item.username)
    return OK


def _revoke(register: Register, arguments: argparse.Namespace) -> int:
    with register.transaction() as unit:
        if not revoke_credential(unit, arguments.username, SystemClock().wall_ms()):
            raise CommandError(
                said("%(name)r has no password; aldea broker list shows who has", name=arguments.username)
            )
    tell(said("%(name)s may no longer connect.", name=arguments.username), arguments)
    return OK


def _files(arguments: argparse.Namespace) -> AccessFiles:
    if arguments.group is None:
        return AccessFiles(arguments.out)
    try:
        return AccessFiles(arguments.out, 0o640, grp.getgrnam(arguments.group).gr_gid)
    except KeyError:
        raise CommandError(said("--group %(group)s: this machine has no such group", group=arguments.group)) from None
