"""`aldea profile`.

examples:
  aldea profile list
  aldea profile show frugal                         its settings, as TOML
  aldea profile set slow --name "Slow" --file slow.toml --dry-run
  aldea profile assign slow isla-arena tekax        their profile from now on; nothing is sent
  aldea profile send slow --dry-run                 what would change at which device
  aldea profile send slow --site isla-arena
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.agents.overlay.checking import agent_guide
from aldea.agents.page.words import language_of_environment
from aldea.deploy.cli.codes import AUTHOR
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.model.clock import SystemClock
from aldea.model.leading import is_led, leads_to
from aldea.model.overlays import changed_keys, leaves
from aldea.model.said import in_spanish
from aldea.model.toml_text import as_toml
from aldea.storage.register import RegisterError, Unit
from aldea.storage.register.audit import audit
from aldea.storage.register.device_overlays import DeviceSettings, settings_of
from aldea.storage.register.device_settings import send_to_all
from aldea.storage.register.profiles import (
    Profile,
    add_profile,
    assign_profile,
    change_profile,
    existing_profile,
    find_profile,
    list_profiles,
)

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|set|assign|send")
    listing = actions.add_parser("list", help="all profiles")
    listing.add_argument("--json", action="store_true", help="one JSON document")
    show = actions.add_parser("show", help="one profile: its settings, and how its devices stand")
    show.add_argument("profile")
    show.add_argument("--json", action="store_true", help="one JSON document")
    change = actions.add_parser("set", help="add or change a profile from a file; nothing is sent")
    change.add_argument("profile")
    change.add_argument("--name", help="what people call it (default: as it is, or the id)")
    change.add_argument("--file", type=Path, required=True, metavar="FILE", help="TOML: settings as under [agent]")
    change.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    assign = actions.add_parser("assign", help="give sites a profile; nothing is sent")
    assign.add_argument("profile", help="its id; - takes the sites' profile away")
    assign.add_argument("sites", nargs="+", metavar="SITE")
    send = actions.add_parser("send", help="send a profile's devices what they are to run with")
    send.add_argument("profile")
    send.add_argument("--site", action="append", default=[], help="only to this site's devices; repeatable")
    send.add_argument("--again", action="store_true", help="also to those that did not take it the last time")
    send.add_argument("--leads", action="store_true", help="confirm that boxes are to send to another broker")
    send.add_argument("--dry-run", action="store_true", help="show what would change, and send nothing")
    send.add_argument("--json", action="store_true", help="one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    actions = {"list": _list, "show": _show, "set": _set, "assign": _assign, "send": _send}
    with opened_register(arguments) as register:
        try:
            register.check()
            return actions[arguments.action](register, arguments)
        except RegisterError as error:
            raise CommandError(str(error)) from error


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = list_profiles(unit)
    if arguments.json:
        print(json.dumps([_document(item) for item in found], ensure_ascii=False, indent=2))
        return OK
    for item in found:
        print(f"{item.id:<20} {item.name:<24} {len(list(leaves(item.document)))} settings, {item.sites} sites")
    return OK


def _show(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = existing_profile(unit, arguments.profile)
        devices = settings_of(unit, _keys(), SystemClock().wall_ms(), profile=found.id)
    if arguments.json:
        listed = [_device(item) for item in devices]
        print(json.dumps({**_document(found), "devices": listed}, ensure_ascii=False, indent=2))
        return OK
    print(f"# {found.name} ({found.id}), revision {found.revision}, {found.sites} sites")
    print(as_toml(found.document) or "# no setting: devices run with their machine's own\n", end="")
    for item in devices:
        print(f"# {item.site}/{item.device}: {item.standing.value}")
    return OK


def _set(register: Register, arguments: argparse.Namespace) -> int:
    document = _read(arguments.file)
    if wrong := agent_guide().check(document):
        raise CommandError(_why_not(arguments.file, wrong))
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        before = find_profile(unit, arguments.profile)
        name = arguments.name or (arguments.profile if before is None else before.name)
        changes = changed_keys({} if before is None else before.document, document)
        if arguments.dry_run:
            print(f"would change {', '.join(changes)}" if changes else "nothing would change")
            return OK
        revision = 1 if before is None else before.revision
        new = Profile(arguments.profile, name, document, revision, AUTHOR, now)
        made = add_profile(unit, new) if before is None else change_profile(unit, new)
        what = "profile_added" if before is None else "profile_changed"
        audit(unit, None, what, made.id, {"revision": made.revision}, now)
    print(f"profile {made.id} is at revision {made.revision}; nothing was sent: aldea profile send {made.id}")
    return OK


def _assign(register: Register, arguments: argparse.Namespace) -> int:
    profile = None if arguments.profile == "-" else arguments.profile
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        changed = assign_profile(unit, arguments.sites, profile)
        audit(unit, None, "profile_assigned", profile or "", {"sites": arguments.sites[:50], "count": changed}, now)
    print(f"{changed} sites have {profile or 'no profile'} now that had not; nothing was sent")
    return OK


def _send(register: Register, arguments: argparse.Namespace) -> int:
    now, keys = SystemClock().wall_ms(), _keys()
    with register.reading() as unit:
        found = existing_profile(unit, arguments.profile)
        devices = settings_of(unit, keys, now, profile=found.id)
    if missing := sorted(set(arguments.site) - {item.site for item in devices}):
        raise CommandError(f"site {missing[0]!r} has no device with the profile {found.id!r}")
    chosen = [item for item in devices if not arguments.site or item.site in arguments.site]
    due = [item for item in chosen if item.is_due(again=arguments.again)]
    elsewhere = [item for item in due if is_led(item.changes)]
    if elsewhere and not (arguments.dry_run or arguments.leads):
        names = ", ".join(f"{item.site}/{item.device} ({leads_to(item.overlay)})" for item in elsewhere[:20])
        raise CommandError(f"{len(elsewhere)} boxes would send elsewhere: {names}; --leads confirms that it is meant")
    if not arguments.dry_run:
        send_to_all(register, due, keys, now, AUTHOR, again=arguments.again, note=partial(_note, found.id, now))
    if arguments.json:
        print(json.dumps([_device(item) for item in due], ensure_ascii=False, indent=2))
        return OK
    for item in due:
        print(f"{item.site}/{item.device}: {', '.join(item.changes) or 'the same again'}")
    told = "would change" if arguments.dry_run else "were sent their settings"
    print(f"{len(due)} of {len(chosen)} devices {told}")
    return OK


def _note(profile: str, now_ms: int, unit: Unit, sent: Sequence[DeviceSettings]) -> None:
    elsewhere = [item for item in sent if is_led(item.changes)]
    if elsewhere:
        boxes = [f"{item.site}/{item.device}" for item in elsewhere[:50]]
        places = "; ".join(sorted({leads_to(item.overlay) for item in elsewhere}))
        audit(unit, None, "boxes_led", places, {"leads_to": places, "devices": boxes}, now_ms)
    audit(unit, None, "settings_sent", profile, {"devices": len(sent)}, now_ms)


def _why_not(file: Path, wrong: Sequence[str]) -> str:
    """Return what is wrong with a file, a line each, in the terminal's language."""
    if language_of_environment(os.environ) == "es":
        return "\n".join([f"{file} no puede ser un perfil:", *map(in_spanish, wrong)])
    return "\n".join([f"{file} cannot be a profile:", *wrong])


def _keys() -> Sequence[str]:
    return [item.key for item in agent_guide().settings]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is not TOML: {error}") from error
    # A machine's whole file may be given too: its [agent] table is what counts.
    agent = found.get("agent")
    return agent if isinstance(agent, dict) and set(found) == {"agent"} else found


def _document(item: Profile) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "document": item.document,
        "revision": item.revision,
        "changed_by": item.changed_by,
        "changed_ms": item.changed_ms,
        "sites": item.sites,
    }


def _device(item: DeviceSettings) -> dict[str, Any]:
    return {
        "site": item.site,
        "device": item.device,
        "standing": item.standing.value,
        "changes": item.changes,
        "held_revision": item.held_revision,
        "answer": {} if item.last is None else item.last.answer,
    }
