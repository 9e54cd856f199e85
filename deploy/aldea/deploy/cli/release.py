"""`aldea release`.

examples:
  aldea release keygen --out keys                       a key pair; the private half stays with you
  aldea release trust keys/release.pub                  the server tells it to devices that enrol
  aldea release sign aldea-0.2.0-py3-none-any.whl --key keys/release.key
  aldea release add aldea-0.2.0.release.json            manifest and wheels into the register
  aldea release preview 0.2.0                           who would get it, and who knows no key for it
  aldea release roll-out 0.2.0 --first isla-arena       to one site, then to ten, then to all
  aldea release show                                    how far it is, and why it waits
  aldea release first rancho-verde                      another site goes first, as long as none has it
"""

from __future__ import annotations

from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.cli import release_words as words
from aldea.deploy.cli.asking import asked_secret
from aldea.deploy.cli.codes import AUTHOR
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.release import ReleaseError, public_keys
from aldea.model.rollouts import CHANGES
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.release_reach import reach_of
from aldea.storage.register.releases import add_release, distrust_keys, list_releases, trust_keys, trusted_keys
from aldea.storage.register.rollout_devices import rollout_devices
from aldea.storage.register.rollouts import begin_rollout, change_rollout, choose_first, list_rollouts

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    names = "keygen|trust|sign|add|list|preview|roll-out|show|first|pause|resume|stop"
    actions = parser.add_subparsers(dest="action", required=True, metavar=names)
    keygen = actions.add_parser("keygen", help=_("make the key pair that signs releases"))
    keygen.add_argument("--out", type=Path, required=True, metavar="DIR", help=_("where the two files go"))
    keygen.add_argument("--passphrase", action="store_true", help=_("encrypt the private half; asked for, or piped in"))
    trust = actions.add_parser("trust", help=_("say whose releases may be added; without a file: list"))
    trust.add_argument("file", type=Path, nargs="?", metavar="KEY.pub")
    trust.add_argument("--remove", action="store_true", help=_("trust it no more"))
    sign = actions.add_parser("sign", help=_("make and sign a manifest"))
    sign.add_argument(
        "wheels", type=Path, nargs="+", metavar="WHEEL", help=_("Aldea's own, and those of new dependencies")
    )
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help=_("the private key"))
    sign.add_argument(
        "--downgrade-from", metavar="VERSION", help=_("it is to go back: it may follow newer versions up to this one")
    )
    sign.add_argument(
        "--out", type=Path, metavar="FILE", help=_("default: aldea-VERSION.release.json beside the wheel")
    )
    add = actions.add_parser("add", help=_("check a release and put it into the register"))
    add.add_argument("manifest", type=Path)
    listing = actions.add_parser("list", help=_("the releases that were added"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    _add_rollout_arguments(actions)


def _add_rollout_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    preview = actions.add_parser("preview", help=_("who would get a release, and who would not"))
    preview.add_argument("version")
    preview.add_argument("--json", action="store_true", help=_("one JSON document"))
    roll_out = actions.add_parser("roll-out", help=_("send a release to one site, then to ten, then to all"))
    roll_out.add_argument("version")
    roll_out.add_argument("--first", metavar="SITE", help=_("the first site (default: the one heard last)"))
    roll_out.add_argument(
        "--bake-hours", type=float, default=24.0, metavar="N", help=_("hours between waves (default: %(default)s)")
    )
    show = actions.add_parser("show", help=_("how far the newest rollout is"))
    show.add_argument("--json", action="store_true", help=_("one JSON document"))
    first = actions.add_parser("first", help=_("choose another first site, as long as none has the release"))
    first.add_argument("site", nargs="?", metavar="SITE", help=_("default: the one heard last"))
    actions.add_parser("pause", help=_("ask no more devices for now"))
    actions.add_parser("resume", help=_("go on without what made it halt; silent devices come later"))
    actions.add_parser("stop", help=_("end it for good"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    try:
        if arguments.action == "keygen":
            return _keygen(arguments)
        if arguments.action == "sign":
            return _sign(arguments)
        with opened_register(arguments) as register:
            register.check()
            if arguments.action in CHANGES:
                return _change(register, arguments)
            actions = {"trust": _trust, "add": _add, "list": _list, "show": _show}
            actions |= {"preview": _preview, "roll-out": _roll_out, "first": _first}
            return actions[arguments.action](register, arguments)
    except FileExistsError as error:
        raise CommandError(
            said("%(file)s is there already: a key is never overwritten", file=error.filename)
        ) from error
    except OSError as error:
        raise CommandError(said("%(file)s: %(why)s", file=error.filename, why=reason_of(error))) from error
    except (ReleaseError, RegisterError) as error:
        raise CommandError(error) from error


def _keygen(arguments: argparse.Namespace) -> int:
    from aldea.deploy.releasing.keys import make_keys

    phrase = _passphrase(arguments.lang, twice=True) if arguments.passphrase else None
    private, public = make_keys(arguments.out, phrase)
    tell(
        said("%(file)s: keep it where no server is; who has it can put programs onto every device.", file=private),
        arguments,
    )
    tell(said("%(file)s: tell the server: aldea release trust %(file)s", file=public), arguments)
    return OK


def _sign(arguments: argparse.Namespace) -> int:
    from aldea.deploy.releasing.keys import is_locked, load_key
    from aldea.deploy.releasing.signing import manifest_of, sign, write_release

    manifest = manifest_of(arguments.wheels, replaces=arguments.downgrade_from)
    key = load_key(arguments.key, _passphrase(arguments.lang) if is_locked(arguments.key) else None)
    out = arguments.out or arguments.wheels[0].parent / f"aldea-{manifest.version}.release.json"
    write_release(out, sign(manifest, key))
    tell(said("%(file)s: %(release)s", file=out, release=words.described(manifest)), arguments)
    return OK


def _passphrase(language: str, *, twice: bool = False) -> bytes:
    unequal = said("the two passphrases differ: start again") if twice else ""
    return asked_secret(said("Passphrase: "), language, unequal=unequal).encode()


def _trust(register: Register, arguments: argparse.Namespace) -> int:
    if arguments.file is None:
        with register.reading() as unit:
            keys = trusted_keys(unit)
        for key in keys:
            print(words.fingerprint(key))
        if not keys:
            tell(said("No key is trusted yet: devices that enrol take no releases from afar."), arguments)
        return OK
    pem = arguments.file.read_text(encoding="ascii", errors="replace")
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        keys = distrust_keys(unit, pem) if arguments.remove else trust_keys(unit, pem, now)
        named = ", ".join(words.fingerprint(key) for key in public_keys(pem))
        action = "release_key_distrusted" if arguments.remove else "release_key_trusted"
        audit(unit, None, action, named, {"by": AUTHOR}, now)
    tell(words.trusted_text(named, len(keys), removed=arguments.remove), arguments)
    return OK


def _add(register: Register, arguments: argparse.Namespace) -> int:
    from aldea.deploy.releasing.signing import is_signed_by, load_release, wheels_of

    release = load_release(arguments.manifest)
    files = wheels_of(release, arguments.manifest.parent)
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        keys = trusted_keys(unit)
        if not keys:
            raise CommandError(said("no key is trusted here yet: aldea release trust KEY.pub"))
        if not is_signed_by(release, keys):
            raise CommandError(
                said("it is not signed by a key that this server trusts, or was changed since: sign it again")
            )
        new = add_release(unit, release, files, AUTHOR, now)
        if new:
            audit(unit, None, "release_added", release.manifest.version, {"by": AUTHOR}, now)
    described = words.described(release.manifest)
    if new:
        tell(said("%(release)s is in the register.", release=described), arguments)
    else:
        tell(said("%(release)s was there already.", release=described), arguments)
    return OK


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = list_releases(unit)
    tell(words.releases_json(found) if arguments.json else words.releases_text(found), arguments)
    return OK


def _preview(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        found = reach_of(unit, arguments.version, SystemClock().wall_ms())
    tell(words.reach_json(found) if arguments.json else words.reach_text(arguments.version, found), arguments)
    return OK


def _roll_out(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        made = begin_rollout(
            unit, arguments.version, now, AUTHOR, first_site=arguments.first, bake_hours=arguments.bake_hours
        )
        audit(unit, None, "rollout_begun", made.rollout.version, {"by": AUTHOR, "first": arguments.first}, now)
        keyless = reach_of(unit, arguments.version, now).keyless
    goes = said(
        "Version %(version)s goes out: to one site first. How far it is: aldea release show",
        version=made.rollout.version,
    )
    tell(goes, arguments)
    if keyless:
        tell(words.keyless_text(keyless), arguments)
    return OK


def _first(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        found = choose_first(unit, arguments.site, now)
        detail = {"by": AUTHOR, "first": arguments.site}
        audit(unit, None, "rollout_first_site", found.rollout.version, detail, now)
    first = arguments.site or said("the site heard last")
    tell(said("Version %(version)s: %(site)s goes first.", version=found.rollout.version, site=first), arguments)
    return OK


def _change(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        found = change_rollout(unit, CHANGES[arguments.action], now)
        audit(unit, None, f"rollout_{found.rollout.state.value}", found.rollout.version, {"by": AUTHOR}, now)
    state = words.state_word(found.rollout.state)
    tell(said("Version %(version)s: %(state)s.", version=found.rollout.version, state=state), arguments)
    return OK


def _show(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        newest = next(iter(list_rollouts(unit, limit=1)), None)
        devices = () if newest is None else rollout_devices(unit, newest.id)
    if newest is None:
        raise CommandError(said("no release was rolled out yet: aldea release roll-out VERSION"))
    tell(words.rollout_json(newest, devices) if arguments.json else words.rollout_text(newest, devices), arguments)
    return OK
