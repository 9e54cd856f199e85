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

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import opened_register
from aldea.deploy.cli.user_options import add_arguments
from aldea.deploy.cli.user_typed import check_scope, last_moment, typed_password
from aldea.deploy.words import in_language, said, tell
from aldea.model.clock import SystemClock
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.passwords import hashed, keep_hash, make_link
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
            raise CommandError(error) from error


def _add(register: Register, arguments: argparse.Namespace) -> int:
    now, account = _now(), arguments.account
    with register.reading() as unit:
        if find_person(unit, account) is not None:
            raise CommandError(
                said("there is an account %(account)s already: choose another name", account=repr(account))
            )
    made = None if arguments.link else hashed(typed_password(account, arguments.name, arguments.lang))
    with register.transaction() as unit:
        add_person(unit, account, arguments.name, now)
        audit(unit, None, "person_added", account, BY, now)
        if arguments.role:
            _give(unit, arguments, now)
        code = _set(unit, account, made, now)
        ready = has_administrator(unit)
    tell(said("%(account)s is added.", account=account), arguments)
    _tell_of_link(code, arguments)
    if not ready:
        tell(
            said("There is no administrator with a password yet: Aldea serves this machine only until there is."),
            arguments,
        )
    return OK


def _reset(register: Register, arguments: argparse.Namespace) -> int:
    account, now = arguments.account, _now()
    person = _known(register, account)
    made = None if arguments.link else hashed(typed_password(account, person.label, arguments.lang))
    with register.transaction() as unit:
        end_sessions_of(unit, account)
        if made is None:
            keep_hash(unit, account, None, now)
        code = _set(unit, account, made, now)
    tell(said("%(account)s: every session has ended.", account=account), arguments)
    _tell_of_link(code, arguments)
    return OK


def _grant(register: Register, arguments: argparse.Namespace) -> int:
    now = _now()
    with register.transaction() as unit:
        made = _give(unit, arguments, now)
    given = said(
        "%(person)s has the role %(role)s (grant %(number)s).", person=made.person, role=made.role, number=made.id
    )
    tell(given, arguments)
    return OK


def _revoke(register: Register, arguments: argparse.Namespace) -> int:
    now = _now()
    with register.transaction() as unit:
        if arguments.number not in {grant.id for grant in grants_of(unit, arguments.account)}:
            raise CommandError(
                said(
                    "%(account)s has no grant %(number)s: aldea user list --json",
                    account=arguments.account,
                    number=arguments.number,
                )
            )
        ended = end_grant(unit, arguments.number, now)
        audit(unit, None, "grant_ended", arguments.account, BY | {"role": ended.role}, now)
    tell(said("%(person)s has the role %(role)s no more.", person=ended.person, role=ended.role), arguments)
    return OK


def _disable(register: Register, arguments: argparse.Namespace) -> int:
    now, account, disabled = _now(), arguments.account, arguments.action == "disable"
    with register.transaction() as unit:
        set_disabled(unit, account, disabled=disabled, at_ms=now)
        if disabled:
            end_sessions_of(unit, account)
        audit(unit, None, "person_disabled" if disabled else "person_enabled", account, BY, now)
    if disabled:
        tell(said("%(account)s is kept out.", account=account), arguments)
    else:
        tell(said("%(account)s may sign in again.", account=account), arguments)
    return OK


def _token(register: Register, arguments: argparse.Namespace) -> int:
    now, may = _now(), arguments.may or ["view"]
    expires = None if arguments.days is None else now + arguments.days * DAY_MS
    _known(register, arguments.account)
    with register.transaction() as unit:
        check_scope(unit, arguments.programme, arguments.region, now)
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
    once = said("This is shown once. Send it as `Authorization: Bearer %(start)s…`.", start=secret[:10])
    tell(once, arguments, file=sys.stderr)
    return OK


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        people, grants = list_people(unit), grants_by_person(unit, _now())
    if arguments.json:
        found = [asdict(one) | {"grants": [asdict(grant) for grant in grants.get(one.id, ())]} for one in people]
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return OK
    no_role, disabled = (in_language(word, arguments.lang) for word in (said("no role"), said("disabled")))
    for one in people:
        roles = ", ".join(_shown(grant) for grant in grants.get(one.id, ())) or no_role
        print(f"{one.id:<40} {one.label}: {roles}{f'  ({disabled})' if one.disabled else ''}")
    if not people:
        tell(said("Nobody has an account yet: aldea user add --help"), arguments)
    return OK


def _give(unit: Unit, arguments: argparse.Namespace, now: int) -> Grant:
    check_scope(unit, arguments.programme, arguments.region, now)
    wanted = Grant(
        arguments.account, arguments.role, arguments.programme, arguments.region, now, last_moment(arguments.until)
    )
    made = give_role(unit, wanted)
    detail = BY | {"role": made.role, "programme": made.programme, "region": made.region}
    audit(unit, None, "grant_given", made.person, detail, now)
    return made


def _set(unit: Unit, account: str, made: str | None, now: int) -> str:
    """Keep the password, or return the code of a link to set one."""
    audit(unit, None, "password_link_made" if made is None else "password_set", account, BY, now)
    if made is None:
        return make_link(unit, account, now)
    keep_hash(unit, account, made, now)
    return ""


def _tell_of_link(code: str, arguments: argparse.Namespace) -> None:
    if code:
        link = said(
            "The password is set once, within three days, at the pages' address followed by\n/set-password/%(code)s",
            code=code,
        )
        tell(link, arguments)


def _known(register: Register, account: str) -> Person:
    with register.reading() as unit:
        found = find_person(unit, account)
    if found is None:
        raise CommandError(
            said("there is no account %(account)s: aldea user list shows them all", account=repr(account))
        )
    return found


def _shown(grant: Grant) -> str:
    where = ", ".join(part for part in (grant.programme, grant.region) if part)
    return f"{grant.role} [{grant.id}]" + (f" ({where})" if where else "")


def _now() -> int:
    return SystemClock().wall_ms()
