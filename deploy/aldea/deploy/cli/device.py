"""`aldea device`.

examples:
  aldea device list isla-arena                a site's devices and how they get in
  aldea device replace isla-arena             a dead card: same place, new code
  aldea device replace isla-arena --lost      ... and its disk is lost with what it held
  aldea device revoke isla-arena agent        a stolen box: its access ends now
  aldea device test isla-arena throughput --wait 120   one round of a probe now, and its answer
  aldea device diagnostics isla-arena         how the box is: versions, outbox, probes, log
  aldea device commands isla-arena            what was asked of it, and what became of it
  aldea device cancel isla-arena COMMAND      stop what it does not have yet
"""

from __future__ import annotations

import json
from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.deploy.cli.codes import AUTHOR, add_code_options, show_code
from aldea.deploy.cli.device_commands import COMMAND_ACTIONS, add_command_actions
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.cli.site_words import no_such_site
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.said import joined
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.replacing import DeviceAccess, device_access, replace_device, revoke_device
from aldea.storage.register.sites import find_site

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="list|replace|revoke|test|diagnostics|commands|cancel"
    )
    listing = actions.add_parser("list", help=_("a site's devices and how they get in"))
    listing.add_argument("site")
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    replace = actions.add_parser("replace", help=_("end a device's access and give a code to the box in its place"))
    replace.add_argument("site")
    replace.add_argument("--device", help=_("which one (default: the primary one)"))
    replace.add_argument(
        "--lost", action="store_true", help=_("the old disk is lost: what it still held counts as lost")
    )
    add_code_options(replace)
    revoke = actions.add_parser("revoke", help=_("end a device's access"))
    revoke.add_argument("site")
    revoke.add_argument("device")
    add_command_actions(actions)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    with opened_register(arguments) as register:
        try:
            register.check()
            return {"list": _list, "replace": _replace, "revoke": _revoke, **COMMAND_ACTIONS}[arguments.action](
                register, arguments
            )
        except RegisterError as error:
            raise CommandError(error) from error


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        if find_site(unit, arguments.site) is None:
            raise CommandError(no_such_site(arguments.site))
        found = device_access(unit, arguments.site, SystemClock().wall_ms())
    if arguments.json:
        print(json.dumps([_document(item) for item in found], indent=2))
        return OK
    for item in found:
        tell(joined([f"{item.device.id:<20}", joined(_words(item), ", ")], " "), arguments)
    return OK


def _document(item: DeviceAccess) -> dict[str, object]:
    return {
        "device": item.device.id,
        "kind": item.device.kind,
        "primary": item.device.is_primary,
        "retired_ms": item.device.retired_at_ms,
        "credential_since_ms": item.credential_ms,
        "code_expires_ms": None if item.code is None else item.code.expires_ms,
    }


def _words(item: DeviceAccess) -> list[str]:
    words = [item.device.kind]
    words += [said("primary")] if item.device.is_primary else []
    words += [said("retired")] if item.device.retired_at_ms is not None else []
    words.append(said("has no credential") if item.credential_ms is None else said("has a credential"))
    words += [said("a code waits for it")] if item.code is not None else []
    return words


def _replace(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        code = replace_device(
            unit, arguments.site, arguments.device, now, AUTHOR, arguments.hours, disk_lost=arguments.lost
        )
        detail = {"by": AUTHOR, "disk_lost": arguments.lost}
        audit(unit, None, "device_replaced", f"{code.site}/{code.device}", detail, now)
        print(show_code(unit, code, arguments))
    if not arguments.json and not arguments.lost:
        lines = (
            said("Is the old disk at hand? Attach it to the new box, and then:"),
            "  aldea agent take-over /media/usb/var/lib/aldea-agent",
            said("brings in what the old box had not delivered."),
        )
        print()
        tell(joined(lines, "\n\n"), arguments)
    return OK


def _revoke(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        had = revoke_device(unit, arguments.site, arguments.device, now)
        audit(unit, None, "device_revoked", f"{arguments.site}/{arguments.device}", {"by": AUTHOR}, now)
    device = f"{arguments.site}/{arguments.device}"
    if had:
        tell(said("%(device)s: its access has ended; what it has measured stays.", device=device), arguments)
    else:
        tell(said("%(device)s: it had no access; what it has measured stays.", device=device), arguments)
    return OK
