"""People and the roles they have been given, for a programme and a region, from one date to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from aldea.model.sample import is_id
from aldea.storage.register import people_words as words
from aldea.storage.register.dated import holds_at
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import password, person, role_grant

ADMIN = "admin"
ROLE_NAMES = ("viewer", "facilitator", "technician", "operator", "partner", "programme_manager", ADMIN)
LABEL_LIMIT = 120
SCOPE_LIMIT = 80


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody. The id is what they sign in with; `language` is a code, None for the browser's."""

    id: str
    label: str
    created_ms: int
    disabled: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for a programme ('' every one) and a region ('' everywhere), until `valid_to_ms` (None: no end)."""

    person: str
    role: str
    programme: str
    region: str
    valid_from_ms: int
    valid_to_ms: int | None
    id: int = 0


def add_person(unit: Unit, person_id: str, label: str, at_ms: int, language: str | None = None) -> Person:
    """Add somebody without any right. Raises RegisterError for a name that can't be, or that is taken."""
    if not is_id(person_id):
        raise RegisterError(words.bad_account(person_id))
    text = clean_text(label.strip())
    if not 0 < len(text) <= LABEL_LIMIT:
        raise RegisterError(words.bad_name(LABEL_LIMIT))
    if find_person(unit, person_id) is not None:
        raise RegisterConflictError(words.account_taken(person_id))
    made = Person(person_id, text, at_ms, language=language)
    unit.connection.execute(
        insert(person).values(
            id=person_id,
            label=text,
            role="",
            channels={},
            languages=[] if language is None else [language],
            created_at_ms=at_ms,
            disabled=False,
            language=language,
        )
    )
    return made


def find_person(unit: Unit, person_id: str) -> Person | None:
    """Return somebody by the account's name, or None."""
    row = unit.connection.execute(select(person).where(person.c.id == person_id)).first()
    return None if row is None else _person(row)


def list_people(unit: Unit) -> tuple[Person, ...]:
    """Return everybody by name, those who are disabled too."""
    rows = unit.connection.execute(select(person).order_by(person.c.label, person.c.id))
    return tuple(_person(row) for row in rows)


def set_disabled(unit: Unit, person_id: str, *, disabled: bool, at_ms: int) -> None:
    """Keep somebody out, or let them in again. Raises RegisterError for the last administrator."""
    _must_exist(unit, person_id)
    if disabled:
        _keep_an_admin(unit, person_id, at_ms)
    unit.connection.execute(update(person).where(person.c.id == person_id).values(disabled=disabled))


def set_language(unit: Unit, person_id: str, language: str | None) -> None:
    """Remember the language somebody wants."""
    unit.connection.execute(update(person).where(person.c.id == person_id).values(language=language))


def give_role(unit: Unit, grant: Grant) -> Grant:
    """Give somebody a role; returns the grant with its number.

    Raises RegisterError for a role that is not known, an end before the start, an administrator of a part,
    or the same grant again; UnknownEntryError where there is no such person.
    """
    _check(grant)
    _must_exist(unit, grant.person)
    same = [found for found in grants_of(unit, grant.person) if _same(found, grant)]
    if any(_overlap(found, grant) for found in same):
        raise RegisterConflictError(words.role_held(grant.person, grant.role))
    values = {name: getattr(grant, name) for name in _COLUMNS}
    made = unit.connection.execute(insert(role_grant).values(**values).returning(role_grant.c.id)).scalar_one()
    return Grant(**values, id=int(made))


def end_grant(unit: Unit, grant_id: int, at_ms: int) -> Grant:
    """End a grant now; one that has not begun is removed. Raises RegisterError for the last administrator."""
    row = unit.connection.execute(select(role_grant).where(role_grant.c.id == grant_id)).first()
    if row is None:
        raise UnknownEntryError(words.no_grant(grant_id))
    found = _grant(row)
    if found.role == ADMIN:
        _keep_an_admin(unit, found.person, at_ms, besides=grant_id)
    mine = role_grant.c.id == grant_id
    if found.valid_from_ms >= at_ms:
        unit.connection.execute(delete(role_grant).where(mine))
    elif found.valid_to_ms is None or found.valid_to_ms > at_ms:
        unit.connection.execute(update(role_grant).where(mine).values(valid_to_ms=at_ms))
    return found


def grants_of(unit: Unit, person_id: str, at_ms: int | None = None) -> tuple[Grant, ...]:
    """Return somebody's grants, oldest first: those that hold at `at_ms`, or (None) all there ever were."""
    wanted = _grants().where(role_grant.c.person == person_id)
    return _read(unit, wanted if at_ms is None else wanted.where(holds_at(role_grant, at_ms)))


def grants_by_person(unit: Unit, at_ms: int) -> Mapping[str, tuple[Grant, ...]]:
    """Return everybody's grants that hold at `at_ms`."""
    found: dict[str, tuple[Grant, ...]] = {}
    for grant in _read(unit, _grants().where(holds_at(role_grant, at_ms))):
        found[grant.person] = (*found.get(grant.person, ()), grant)
    return MappingProxyType(found)


def has_administrator(unit: Unit) -> bool:
    """Whether first-run set-up is done: somebody with a password has been made an administrator, ever."""
    wanted = (
        select(role_grant.c.id)
        .join(password, password.c.person == role_grant.c.person)
        .where(role_grant.c.role == ADMIN)
        .limit(1)
    )
    return unit.connection.execute(wanted).first() is not None


_COLUMNS = ("person", "role", "programme", "region", "valid_from_ms", "valid_to_ms")


def _check(grant: Grant) -> None:
    if grant.role not in ROLE_NAMES:
        raise RegisterError(words.no_role(grant.role, ROLE_NAMES))
    if max(len(grant.programme), len(grant.region)) > SCOPE_LIMIT:
        raise RegisterError(words.long_scope(SCOPE_LIMIT))
    if grant.role == ADMIN and (grant.programme or grant.region):
        raise RegisterError(words.part_of_all())
    if grant.valid_to_ms is not None and grant.valid_to_ms <= grant.valid_from_ms:
        raise RegisterError(words.ends_early())


def _must_exist(unit: Unit, person_id: str) -> None:
    held = select(person.c.id).where(person.c.id == person_id).with_for_update()
    if unit.connection.execute(held).first() is None:
        raise UnknownEntryError(words.no_account(person_id))


def _keep_an_admin(unit: Unit, person_id: str, at_ms: int, besides: int | None = None) -> None:
    """Refuse to leave the instance without anybody who could let people in."""
    wanted = (
        select(role_grant.c.id, role_grant.c.person)
        .join(person, person.c.id == role_grant.c.person)
        .where(role_grant.c.role == ADMIN, holds_at(role_grant, at_ms), person.c.disabled.is_(False))
        .with_for_update()
    )
    held = unit.connection.execute(wanted).all()
    ends = {row.id for row in held if (row.id == besides if besides is not None else row.person == person_id)}
    if ends and not {row.id for row in held} - ends:
        raise RegisterError(words.last_administrator(person_id))


def _same(one: Grant, other: Grant) -> bool:
    return (one.role, one.programme, one.region) == (other.role, other.programme, other.region)


def _overlap(one: Grant, other: Grant) -> bool:
    starts = max(one.valid_from_ms, other.valid_from_ms)
    ends = [end for end in (one.valid_to_ms, other.valid_to_ms) if end is not None]
    return not ends or starts < min(ends)


def _grants() -> Select[Any]:
    return select(role_grant).order_by(role_grant.c.valid_from_ms, role_grant.c.id)


def _read(unit: Unit, wanted: Select[Any]) -> tuple[Grant, ...]:
    return tuple(_grant(row) for row in unit.connection.execute(wanted))


def _grant(row: Row[Any]) -> Grant:
    return Grant(row.person, row.role, row.programme, row.region, row.valid_from_ms, row.valid_to_ms, row.id)


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.label, row.created_at_ms, bool(row.disabled), row.language)
