"""`aldea user`.

examples:
  aldea user add direccion --name "Dirección" --role admin
  aldea user grant tecnica-tekax technician --programme aldeas --region Yucatán --until 2027-06-30
  aldea user list --json
  aldea user token tecnica-tekax --name prometheus --may view --days 365

A password is never an argument: it is asked for at the terminal, or read from the first line of what is piped in;
`--link` prints a one-time link's code in its place.
"""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import opened_register
from aldea.deploy.cli.user_options import add_arguments
from aldea.model.clock import SystemClock
from aldea.storage.importing.scopes import closest, known_scopes
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.passwords import hashed, keep_hash, make_link, weakness
from aldea.storage.register.people import (
    Grant,
    Person,
    add_person,
    end_grant,
    find_person,
    give_role,
    grants_by_person,
    grants_of,
    has_administrator,
    list_people,
    set_disabled,
)
from aldea.storage.register.sessions import end_sessions_of
from aldea.storage.register.tokens import make_token

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register
    from aldea.storage.register.register import Unit

__all__ = ["add_arguments", "run"]

DAY_MS = 86_400_000
BY = {"by": "command line"}


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    deeds = {
        "add": _add,
        "list": _list,
        "reset-password": _reset,
        "grant": _grant,
        "revoke": _revoke,
        "disable": _disable,
        "enable": _disable,
        "token": _token,
    }
    with opened_register(arguments) as register:
        try:
            register.check()
            return deeds[arguments.action](register, arguments)
        except RegisterError as error:
            raise CommandError(str(error)) from error


def _add(register: Register, arguments: argparse.Namespace) -> int:
    now, account = _now(), arguments.account
    with register.reading() as unit:
        if find_person(unit, account) is not None:
            raise CommandError(f"there is an account {account!r} already: choose another name")
    made = None if arguments.link else hashed(_password(account, arguments.name))
    with register.transaction() as unit:
        add_person(unit, account, arguments.name, now)
        audit(unit, None, "person_added", account, BY, now)
        if arguments.role:
            _give(unit, arguments, now)
        code = _set(unit, account, made, now)
        ready = has_administrator(unit)
    print(f"{account} is added.")
    _tell(code)
    if not ready:
        print("There is no administrator with a password yet: Aldea serves this machine only until there is.")
    return OK


def _reset(register: Register, arguments: argparse.Namespace) -> int:
    account, now = arguments.account, _now()
    person = _known(register, account)
    made = None if arguments.link else hashed(_password(account, person.label))
    with register.transaction() as unit:
        end_sessions_of(unit, account)
        if made is None:
            keep_hash(unit, account, None, now)
        code = _set(unit, account, made, now)
    print(f"{account}: every session has ended.")
    _tell(code)
    return OK


def _grant(register: Register, arguments: argparse.Namespace) -> int:
    now = _now()
    with register.transaction() as unit:
        made = _give(unit, arguments, now)
    print(f"{made.person} has the role {made.role} (grant {made.id}).")
    return OK


def _revoke(register: Register, arguments: argparse.Namespace) -> int:
    now = _now()
    with register.transaction() as unit:
        if arguments.number not in {grant.id for grant in grants_of(unit, arguments.account)}:
            raise CommandError(f"{arguments.account} has no grant {arguments.number}: aldea user list --json")
        ended = end_grant(unit, arguments.number, now)
        audit(unit, None, "grant_ended", arguments.account, BY | {"role": ended.role}, now)
    print(f"{ended.person} has the role {ended.role} no more.")
    return OK


def _disable(register: Register, arguments: argparse.Namespace) -> int:
    now, account, disabled = _now(), arguments.account, arguments.action == "disable"
    with register.transaction() as unit:
        set_disabled(unit, account, disabled=disabled, at_ms=now)
        if disabled:
            end_sessions_of(unit, account)
        audit(unit, None, "person_disabled" if disabled else "person_enabled", account, BY, now)
    print(f"{account} is kept out." if disabled else f"{account} may sign in again.")
    return OK


def _token(register: Register, arguments: argparse.Namespace) -> int:
    now, may = _now(), arguments.may or ["view"]
    expires = None if arguments.days is None else now + arguments.days * DAY_MS
    _known(register, arguments.account)
    with register.transaction() as unit:
        _check_scope(unit, arguments.programme, arguments.region, now)
        secret, token = make_token(
            unit,
            arguments.account,
            arguments.name,
            may,
            now,
            programme=arguments.programme,
            region=arguments.region,
            expires_ms=expires,
        )
        audit(unit, None, "token_made", token.name, BY | {"person": token.person, "permissions": may}, now)
    print(secret)
    print(f"This is shown once. Send it as `Authorization: Bearer {secret[:10]}…`.", file=sys.stderr)
    return OK


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        people, grants = list_people(unit), grants_by_person(unit, _now())
    if arguments.json:
        found = [asdict(one) | {"grants": [asdict(grant) for grant in grants.get(one.id, ())]} for one in people]
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return OK
    for one in people:
        roles = ", ".join(_shown(grant) for grant in grants.get(one.id, ())) or "no role"
        print(f"{one.id:<40} {one.label}: {roles}{'  (disabled)' if one.disabled else ''}")
    if not people:
        print("Nobody has an account yet: aldea user add --help")
    return OK


def _give(unit: Unit, arguments: argparse.Namespace, now: int) -> Grant:
    _check_scope(unit, arguments.programme, arguments.region, now)
    wanted = Grant(arguments.account, arguments.role, arguments.programme, arguments.region, now, _end(arguments.until))
    made = give_role(unit, wanted)
    detail = BY | {"role": made.role, "programme": made.programme, "region": made.region}
    audit(unit, None, "grant_given", made.person, detail, now)
    return made


def _check_scope(unit: Unit, programme: str, region: str, now: int) -> None:
    """Refuse a limit that there is not: it would allow nothing, and nobody knew why. Raises CommandError."""
    known = known_scopes(unit, now)
    for option, text, names in (("--programme", programme, known.programmes), ("--region", region, known.regions)):
        if text and text not in names:
            near = closest(text, names)
            raise CommandError(
                f"{option} {text!r} is not known: " + (f"did you mean {near!r}?" if near else "add it first")
            )


def _set(unit: Unit, account: str, made: str | None, now: int) -> str:
    """Keep the password, or return the code of a link to set one."""
    audit(unit, None, "password_link_made" if made is None else "password_set", account, BY, now)
    if made is None:
        return make_link(unit, account, now)
    keep_hash(unit, account, made, now)
    return ""


def _tell(code: str) -> None:
    if code:
        print(f"The password is set once, within three days, at the pages' address followed by\n/set-password/{code}")


def _end(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"--until {text!r} is not a day: write it as 2027-06-30") from error
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)


def _password(account: str, label: str) -> str:
    if sys.stdin.isatty():
        text = getpass.getpass("Password: ")
        if getpass.getpass("The same again: ") != text:
            raise CommandError("the two passwords differ: start again")
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    wrong = weakness(text, account, label)
    if wrong is not None:
        raise CommandError(f"{wrong} (it is asked for at the terminal, or read from what is piped in; or use --link)")
    return text


def _known(register: Register, account: str) -> Person:
    with register.reading() as unit:
        found = find_person(unit, account)
    if found is None:
        raise CommandError(f"there is no account {account!r}: aldea user list shows them all")
    return found


def _shown(grant: Grant) -> str:
    where = ", ".join(part for part in (grant.programme, grant.region) if part)
    return f"{grant.role} [{grant.id}]" + (f" ({where})" if where else "")


def _now() -> int:
    return SystemClock().wall_ms()
