"""`aldea device test|diagnostics|commands|cancel`: what is asked of a device, and what it answered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from gettext import gettext as _
from typing import TYPE_CHECKING, Any

from aldea.deploy.cli.codes import AUTHOR
from aldea.deploy.cli.main import FAILED, OK, CommandError
from aldea.deploy.cli.page_words import as_on_pages
from aldea.deploy.words import in_language, said, tell
from aldea.model.clock import SystemClock
from aldea.storage.register.audit import audit
from aldea.storage.register.commands import (
    CommandState,
    DeviceCommand,
    cancel_command,
    commands_of,
    find_command,
    queue_command,
)
from aldea.storage.register.devices import devices_of

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register
    from aldea.storage.register.register import Unit

HOUR_MS = 3_600_000
LOOK_SECONDS = 0.5


def add_command_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the four actions."""
    test = actions.add_parser("test", help=_("run one round of a probe now"))
    test.add_argument("site")
    test.add_argument("probe", help=_("its name, such as ping, http or throughput"))
    diagnostics = actions.add_parser("diagnostics", help=_("ask how the box is"))
    diagnostics.add_argument("site")
    for parser, hours in ((test, 24.0), (diagnostics, 168.0)):
        parser.add_argument("--hours", type=float, default=hours, help=_("how long it may wait (default: %(default)g)"))
        parser.add_argument("--wait", type=float, metavar="SECONDS", help=_("wait so long for the answer, and show it"))
    listing = actions.add_parser("commands", help=_("what was asked of a device, the newest first"))
    listing.add_argument("site")
    listing.add_argument("--limit", type=int, default=20, help=_("how many at most (default: %(default)d)"))
    cancel = actions.add_parser("cancel", help=_("stop a command that the device does not have yet"))
    cancel.add_argument("site")
    cancel.add_argument("command")
    for parser in (test, diagnostics, listing, cancel):
        parser.add_argument("--device", help=_("which one (default: the primary one)"))
        parser.add_argument("--json", action="store_true", help=_("one JSON document"))


def _test(register: Register, arguments: argparse.Namespace) -> int:
    return _ask(register, arguments, "test", {"probe": arguments.probe})


def _diagnostics(register: Register, arguments: argparse.Namespace) -> int:
    return _ask(register, arguments, "diagnostics", {})


def _ask(register: Register, arguments: argparse.Namespace, kind: str, payload: Mapping[str, Any]) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        device = _device(unit, arguments)
        until = now + round(arguments.hours * HOUR_MS)
        made = queue_command(unit, arguments.site, device, kind, payload, now, until, AUTHOR)
        detail = {"kind": kind, "command": made.id, "by": AUTHOR}
        audit(unit, None, "command_asked", f"{made.site}/{device}", detail, now)
    if arguments.wait is not None:
        made = _waited(register, made, arguments.wait)
    _show(made, arguments)
    return OK if arguments.wait is None or made.state is CommandState.DONE else FAILED


def _waited(register: Register, made: DeviceCommand, seconds: float) -> DeviceCommand:
    """Return the command once it is over, or as it is when the time is up."""
    clock = SystemClock()
    deadline_ms = clock.mono_ms() + round(seconds * 1000)
    while not made.state.is_over and clock.mono_ms() < deadline_ms:
        time.sleep(LOOK_SECONDS)
        with register.reading() as unit:
            made = find_command(unit, made.id) or made
    return made


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        device = None if arguments.device is None else _device(unit, arguments)
        if not devices_of(unit, arguments.site):
            raise CommandError(
                said(
                    "there is no site %(site)s with a device; aldea site list shows them all", site=repr(arguments.site)
                )
            )
        found = commands_of(unit, arguments.site, device, limit=arguments.limit)
    if arguments.json:
        print(json.dumps([_document(one) for one in found], indent=2))
        return OK
    for one in found:
        state = in_language(_state(one), arguments.lang)
        print(f"{one.id:<34} {one.device:<12} {one.kind:<14} {state:<11} {_when(one.created_ms)}")
    return OK


def _cancel(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        found = find_command(unit, arguments.command)
        if found is None or found.site != arguments.site or arguments.device not in {None, found.device}:
            raise CommandError(
                said(
                    "site %(site)s has no command %(command)s: aldea device commands",
                    site=repr(arguments.site),
                    command=repr(arguments.command),
                )
            )
        found = cancel_command(unit, found.id, now, AUTHOR)
        detail = {"kind": found.kind, "command": found.id, "by": AUTHOR}
        audit(unit, None, "command_cancelled", f"{found.site}/{found.device}", detail, now)
    _show(found, arguments)
    return OK


COMMAND_ACTIONS: Mapping[str, Callable[..., int]] = {
    "test": _test,
    "diagnostics": _diagnostics,
    "commands": _list,
    "cancel": _cancel,
}


def _device(unit: Unit, arguments: argparse.Namespace) -> str:
    """Return the device that is meant: the one named, else the primary one, else the only one."""
    devices = [item for item in devices_of(unit, arguments.site) if item.retired_at_ms is None]
    named = [item.id for item in devices if item.id == arguments.device]
    chosen = named if arguments.device else [item.id for item in devices if item.is_primary]
    chosen = chosen or ([] if arguments.device else [item.id for item in devices])
    if len(chosen) != 1:
        raise CommandError(
            said(
                "say which device of site %(site)s with --device; there are: %(devices)s",
                site=repr(arguments.site),
                devices=", ".join(item.id for item in devices) or said("none"),
            )
        )
    return chosen[0]


def _show(one: DeviceCommand, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(_document(one), indent=2, ensure_ascii=False))
        return
    print(f"{one.site}/{one.device}  {one.kind}  {one.id}: {in_language(_state(one), arguments.lang)}")
    if one.answer:
        print(json.dumps(dict(one.answer), indent=2, ensure_ascii=False))
    elif not one.state.is_over:
        tell(said("aldea device commands %(site)s says what becomes of it.", site=one.site), arguments)


def _state(one: DeviceCommand) -> str:
    from aldea.dashboard_api.web.device_words import STATES

    return as_on_pages(one.state.value, STATES[one.state])


def _document(one: DeviceCommand) -> dict[str, Any]:
    return {
        "id": one.id,
        "site": one.site,
        "device": one.device,
        "kind": one.kind,
        "payload": dict(one.payload),
        "state": one.state.value,
        "author": one.author,
        "created_ms": one.created_ms,
        "expires_ms": one.expires_ms,
        "sent_ms": one.sent_ms,
        "attempts": one.attempts,
        "answered_ms": one.answered_ms,
        "answer": dict(one.answer),
    }


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
