"""Contact points: where a person can be reached, in which language, and when better not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Row, delete, insert, select, update

from aldea.model.said import Said
from aldea.storage.register.encoding import plain
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import contact_point, notification, person

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Minutes of the local day, from `from_minute` (included) to `to_minute`; they may span midnight."""

    zone: str
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One way to reach a person. `fields` is what was filled in for the kind; parts of it are secrets.

    `verified_ms`: when a test message to exactly these fields last arrived at the provider. `id` is 0 before it
    is stored.
    """

    person: str
    kind: str
    fields: Mapping[str, str]
    language: str
    created_ms: int
    quiet: QuietHours | None = None
    enabled: bool = True
    verified_ms: int | None = None
    id: int = field(default=0)


@dataclass(frozen=True, slots=True)
class PersonContacts:
    """A person with the contact points that are known."""

    person: str
    label: str
    contacts: tuple[ContactPoint, ...]


def add_contact(unit: Unit, new: ContactPoint) -> int:
    """Store a contact point and return its id. Raises UnknownEntryError for a person that is not known."""
    known = unit.connection.execute(select(person.c.id).where(person.c.id == new.person)).first()
    if known is None:
        raise UnknownEntryError(
            Said(
                f"person {new.person[:60]!r} is not known: add the person first (`aldea user add`)",
                f"no se conoce a la persona {new.person[:60]!r}: primero hay que agregarla (`aldea user add`)",
            )
        )
    made = unit.connection.execute(insert(contact_point).values(**_columns(new)).returning(contact_point.c.id))
    return int(made.scalar_one())


def update_contact(unit: Unit, changed: ContactPoint) -> None:
    """Replace a contact point's values; whose it is and when it was made stay.

    It counts as verified no more when its kind or fields differ. Raises UnknownEntryError.
    """
    before = find_contact(unit, changed.id)
    if before is None:
        raise UnknownEntryError(
            Said(
                f"contact point {changed.id} does not exist any more: load the list again",
                f"el contacto {changed.id} ya no existe: cargar la lista otra vez",
            )
        )
    columns = _columns(changed)
    same = before.kind == changed.kind and dict(before.fields) == dict(changed.fields)
    columns["verified_ms"] = before.verified_ms if same else None
    del columns["person"], columns["created_ms"]
    unit.connection.execute(update(contact_point).where(contact_point.c.id == changed.id).values(**columns))


def remove_contact(unit: Unit, contact: int, at_ms: int) -> bool:
    """Remove a contact point; what still waits for it ends as failed, with that reason. Say whether it was there."""
    waiting = (notification.c.contact == contact) & notification.c.state.in_(("waiting", "sending"))
    ended = {
        "state": "failed",
        "decided_ms": at_ms,
        "last_error": "contact_removed: the contact point was removed before it was sent",
    }
    unit.connection.execute(update(notification).where(waiting).values(**ended))
    return bool(unit.connection.execute(delete(contact_point).where(contact_point.c.id == contact)).rowcount)


def mark_verified(unit: Unit, contact: int, at_ms: int) -> None:
    """Note that a test message was taken by the provider."""
    unit.connection.execute(update(contact_point).where(contact_point.c.id == contact).values(verified_ms=at_ms))


def find_contact(unit: Unit, contact: int) -> ContactPoint | None:
    """Return one contact point, or None."""
    row = unit.connection.execute(select(contact_point).where(contact_point.c.id == contact)).first()
    return None if row is None else _contact(row)


def contacts_of(unit: Unit, people: Collection[str]) -> Mapping[str, tuple[ContactPoint, ...]]:
    """Return the contact points of each of `people` that has any, oldest first."""
    found: dict[str, tuple[ContactPoint, ...]] = {}
    for chunk in chunks(sorted(people)):
        mine = select(contact_point).where(contact_point.c.person.in_(chunk)).order_by(contact_point.c.id)
        for row in unit.connection.execute(mine):
            found[row.person] = (*found.get(row.person, ()), _contact(row))
    return found


def list_contacts(unit: Unit) -> tuple[PersonContacts, ...]:
    """Return every person, by label, with the contact points there are."""
    rows = unit.connection.execute(select(person.c.id, person.c.label).order_by(person.c.label, person.c.id)).all()
    contacts = contacts_of(unit, [row.id for row in rows])
    return tuple(PersonContacts(row.id, row.label, contacts.get(row.id, ())) for row in rows)


def _columns(new: ContactPoint) -> dict[str, Any]:
    quiet = new.quiet
    if quiet is not None:
        _check_quiet(quiet)
    return {
        "person": new.person,
        "kind": new.kind,
        "fields": plain(dict(new.fields)),
        "language": new.language,
        "quiet_zone": None if quiet is None else quiet.zone,
        "quiet_from_minute": None if quiet is None else quiet.from_minute,
        "quiet_to_minute": None if quiet is None else quiet.to_minute,
        "enabled": new.enabled,
        "verified_ms": new.verified_ms,
        "created_ms": new.created_ms,
    }


def _check_quiet(quiet: QuietHours) -> None:
    if not (0 <= quiet.from_minute < DAY_MINUTES and 0 <= quiet.to_minute < DAY_MINUTES):
        raise RegisterError(
            Said(
                "quiet hours must be times of a day, from 00:00 to 23:59",
                "las horas de silencio deben ser horas del día, de 00:00 a 23:59",
            )
        )
    if quiet.from_minute == quiet.to_minute:
        raise RegisterError(
            Said(
                "quiet hours that start and end at the same time would last all day: change one",
                "si terminan a la hora en que empiezan, las horas de silencio durarían todo el día: cambiar una",
            )
        )
    try:
        ZoneInfo(quiet.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RegisterError(
            Said(
                f"{quiet.zone[:64]!r} is not an IANA zone such as America/Mexico_City",
                f"{quiet.zone[:64]!r} no es una zona IANA como America/Mexico_City",
            )
        ) from None


def _contact(row: Row[Any]) -> ContactPoint:
    quiet = None
    if row.quiet_zone is not None:
        quiet = QuietHours(row.quiet_zone, row.quiet_from_minute, row.quiet_to_minute)
    return ContactPoint(
        person=row.person,
        kind=row.kind,
        fields=dict(row.fields),
        language=row.language,
        created_ms=row.created_ms,
        quiet=quiet,
        enabled=row.enabled,
        verified_ms=row.verified_ms,
        id=row.id,
    )
