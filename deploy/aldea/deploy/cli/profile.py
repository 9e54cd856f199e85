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
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.agents.overlay.checking import agent_guide
from aldea.deploy.cli import profile_words as words
from aldea.deploy.cli.codes import AUTHOR
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.leading import is_led, leads_to
from aldea.model.overlays import changed_keys
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
    listing = actions.add_parser("list", help=_("all profiles"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    show = actions.add_parser("show", help=_("one profile: its settings, and how its devices stand"))
    show.add_argument("profile")
    show.add_argument("--json", action="store_true", help=_("one JSON document"))
    change = actions.add_parser("set", help=_("add or change a profile from a file; nothing is sent"))
    change.add_argument("profile")
    change.add_argument("--name", help=_("what people call it (default: as it is, or the id)"))
    change.add_argument("--file", type=Path, required=True, metavar="FILE", help=_("TOML: settings as under [agent]"))
    change.add_argument("--dry-run", action="store_true", help=_("show what would change, and change nothing"))
    assign = actions.add_parser("assign", help=_("give sites a profile; nothing is sent"))
    assign.add_argument("profile", help=_("its id; - takes the sites' profile away"))
    assign.add_argument("sites", nargs="+", metavar="SITE")
    send = actions.add_parser("send", help=_("send a profile's devices what they are to run with"))
    send.add_argument("profile")
    send.add_argument("--site", action="append", default=[], help=_("only to this site's devices; repeatable"))
    send.add_argument("--again", action="store_true", help=_("also to those that did not take it the last time"))
    send.add_argument("--leads", action="store_true", help=_("confirm that boxes are to send to another broker"))
    send.add_argument("--dry-run", action="store_true", help=_("show what would change, and send nothing"))
    send.add_argument("--json", action="store_true", help=_("one JSON document"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    actions = {"list": _list, "show": _show, "set": _set, "assign": _assign, "send": _send}
    with opened_register(arguments) as register:
        try:
            register.check()
            return actions[arguments.action](register, arguments)
        except RegisterError as error:
            raise CommandError(error) from error


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = list_profiles(unit)
    if arguments.json:
        print(json.dumps([_document(item) for item in found], ensure_ascii=False, indent=2))
        return OK
    for item in found:
        tell(words.profile_line(item), arguments)
    return OK


def _show(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = existing_profile(unit, arguments.profile)
        devices = settings_of(unit, _keys(), SystemClock().wall_ms(), profile=found.id)
    if arguments.json:
        listed = [_device(item) for item in devices]
        print(json.dumps({**_document(found), "devices": listed}, ensure_ascii=False, indent=2))
        return OK
    tell(words.profile_text(found, devices), arguments)
    return OK


def _set(register: Register, arguments: argparse.Namespace) -> int:
    document = _read(arguments.file)
    if wrong := agent_guide().check(document):
        raise CommandError(words.why_not(arguments.file, wrong))
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        before = find_profile(unit, arguments.profile)
        name = arguments.name or (arguments.profile if before is None else before.name)
        changes = changed_keys({} if before is None else before.document, document)
        if arguments.dry_run:
            would = said("would change %(settings)s", settings=", ".join(changes))
            tell(would if changes else said("nothing would change"), arguments)
            return OK
        revision = 1 if before is None else before.revision
        new = Profile(arguments.profile, name, document, revision, AUTHOR, now)
        made = add_profile(unit, new) if before is None else change_profile(unit, new)
        what = "profile_added" if before is None else "profile_changed"
        audit(unit, None, what, made.id, {"revision": made.revision}, now)
    stands = said(
        "profile %(profile)s is at revision %(revision)s; nothing was sent: aldea profile send %(profile)s",
        profile=made.id,
        revision=made.revision,
    )
    tell(stands, arguments)
    return OK


def _assign(register: Register, arguments: argparse.Namespace) -> int:
    profile = None if arguments.profile == "-" else arguments.profile
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        changed = assign_profile(unit, arguments.sites, profile)
        audit(unit, None, "profile_assigned", profile or "", {"sites": arguments.sites[:50], "count": changed}, now)
    have = said("%(count)s sites have %(profile)s now that had not; nothing was sent", count=changed, profile=profile)
    none = said("%(count)s sites have no profile now that had not; nothing was sent", count=changed)
    tell(have if profile else none, arguments)
    return OK


def _send(register: Register, arguments: argparse.Namespace) -> int:
    now, keys = SystemClock().wall_ms(), _keys()
    with register.reading() as unit:
        found = existing_profile(unit, arguments.profile)
        devices = settings_of(unit, keys, now, profile=found.id)
    if missing := sorted(set(arguments.site) - {item.site for item in devices}):
        raise CommandError(
            said(
                "site %(site)s has no device with the profile %(profile)s",
                site=repr(missing[0]),
                profile=repr(found.id),
            )
        )
    chosen = [item for item in devices if not arguments.site or item.site in arguments.site]
    due = [item for item in chosen if item.is_due(again=arguments.again)]
    elsewhere = [item for item in due if is_led(item.changes)]
    if elsewhere and not (arguments.dry_run or arguments.leads):
        names = ", ".join(f"{item.site}/{item.device} ({leads_to(item.overlay)})" for item in elsewhere[:20])
        raise CommandError(
            said(
                "%(count)s boxes would send elsewhere: %(boxes)s; --leads confirms that it is meant",
                count=len(elsewhere),
                boxes=names,
            )
        )
    if not arguments.dry_run:
        send_to_all(register, due, keys, now, AUTHOR, again=arguments.again, note=partial(_note, found.id, now))
    if arguments.json:
        print(json.dumps([_device(item) for item in due], ensure_ascii=False, indent=2))
        return OK
    tell(words.sending_text(due, len(chosen), dry_run=arguments.dry_run), arguments)
    return OK


def _note(profile: str, now_ms: int, unit: Unit, sent: Sequence[DeviceSettings]) -> None:
    elsewhere = [item for item in sent if is_led(item.changes)]
    if elsewhere:
        boxes = [f"{item.site}/{item.device}" for item in elsewhere[:50]]
        places = "; ".join(sorted({leads_to(item.overlay) for item in elsewhere}))
        audit(unit, None, "boxes_led", places, {"leads_to": places, "devices": boxes}, now_ms)
    audit(unit, None, "settings_sent", profile, {"devices": len(sent)}, now_ms)


def _keys() -> Sequence[str]:
    return [item.key for item in agent_guide().settings]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(said("%(file)s cannot be read: %(why)s", file=path, why=reason_of(error))) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(said("%(file)s is not TOML: %(why)s", file=path, why=error)) from error
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
