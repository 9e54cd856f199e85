"""Programmes: their dates, what their sites owe, and which sites are in them (a dated fact)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy import insert as plain_insert

from aldea.model.said import Said
from aldea.model.sample import is_id
from aldea.storage.register import programme_words as words
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.facts import end_fact, set_fact
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import find_site
from aldea.storage.register.tables import programme, site_fact

PERIODS = ("month", "quarter")
FACT = "programme"


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme: `name` in Spanish, `name_en` in English ('' where it has none), first and last day.

    `duties` maps a form's id to `month` or `quarter`: what each of its sites owes. Reports are due `due_days`
    days after their period's end.
    """

    id: str
    name: str
    starts_on: date
    ends_on: date | None = None
    duties: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    name_en: str = ""
    due_days: int = 10


@dataclass(frozen=True, slots=True)
class Membership:
    """A site was in a programme from `from_ms` until `to_ms` (None: still)."""

    site: str
    programme: str
    from_ms: int
    to_ms: int | None


def add_programme(unit: Unit, new: Programme) -> None:
    """Register a programme. Raises RegisterError for a value that can't be, RegisterConflictError for a taken id."""
    columns = _columns(new)
    if find_programme(unit, new.id) is not None:
        raise RegisterConflictError(words.taken(new.id))
    unit.connection.execute(plain_insert(programme).values(**columns))


def change_programme(unit: Unit, changed: Programme) -> None:
    """Change a programme's names, dates and duties. Whether it is simulated never changes.

    Raises RegisterError for a value that can't be, UnknownEntryError for an id that is not there.
    """
    columns = _columns(changed)
    del columns["id"], columns["simulated"]
    done = unit.connection.execute(update(programme).where(programme.c.id == changed.id).values(**columns))
    if not done.rowcount:
        raise UnknownEntryError(words.no_programme(changed.id))


def list_programmes(unit: Unit, *, simulated: bool | None = None) -> tuple[Programme, ...]:
    """Return the programmes by id; only simulated or only real ones where asked."""
    wanted = select(programme).order_by(programme.c.id)
    if simulated is not None:
        wanted = wanted.where(programme.c.simulated.is_(simulated))
    return tuple(_programme(row) for row in unit.connection.execute(wanted))


def find_programme(unit: Unit, programme_id: str) -> Programme | None:
    """Return one programme, or None."""
    row = unit.connection.execute(select(programme).where(programme.c.id == programme_id)).first()
    return None if row is None else _programme(row)


def assign_site(unit: Unit, programme_id: str, site_id: str, from_ms: int) -> bool:
    """Let a site be in a programme from `from_ms` on; say whether that is new.

    Raises UnknownEntryError for a site or a programme that is not there, RegisterError where one is simulated
    and the other real.
    """
    found, site = find_programme(unit, programme_id), find_site(unit, site_id)
    if found is None:
        raise UnknownEntryError(words.not_added(programme_id))
    if site is None:
        raise UnknownEntryError(words.no_site(site_id))
    if found.simulated != site.simulated:
        raise RegisterError(words.mixed(site.id, found.id, simulated_site=site.simulated))
    return set_fact(unit, site_id, FACT, programme_id, from_ms, item=programme_id)


def end_assignment(unit: Unit, programme_id: str, site_id: str, from_ms: int) -> bool:
    """Let a site be in a programme no more from `from_ms` on; say whether it was."""
    return end_fact(unit, site_id, FACT, from_ms, item=programme_id)


def memberships(unit: Unit, programme_id: str | None = None) -> tuple[Membership, ...]:
    """Return who is and was in a programme (None: in any), by site and time."""
    wanted = select(site_fact).where(site_fact.c.fact == FACT)
    if programme_id is not None:
        wanted = wanted.where(site_fact.c.item == programme_id)
    rows = unit.connection.execute(wanted.order_by(site_fact.c.site, site_fact.c.item, site_fact.c.valid_from_ms))
    return tuple(Membership(row.site, row.item, row.valid_from_ms, row.valid_to_ms) for row in rows)


def _columns(new: Programme) -> dict[str, Any]:
    wrong = next(_faults(new), None)
    if wrong is not None:
        raise RegisterError(words.faulty(new.id, wrong))
    return {
        "id": new.id,
        "name": new.name,
        "name_en": new.name_en,
        "starts_on": new.starts_on,
        "ends_on": new.ends_on,
        "duties": dict(new.duties),
        "due_days": new.due_days,
        "simulated": new.simulated,
    }


def _faults(new: Programme) -> Iterator[Said]:
    if not is_id(new.id):
        yield words.bad_id()
    if not new.name.strip() or len(new.name) > 200 or clean_text(new.name) != new.name:
        yield words.bad_name()
    if len(new.name_en) > 200 or clean_text(new.name_en) != new.name_en:
        yield words.bad_english_name()
    if new.ends_on is not None and new.ends_on < new.starts_on:
        yield words.ends_before(new.starts_on, new.ends_on)
    if not 0 <= new.due_days <= 180:
        yield words.bad_due_days()
    for form, period in new.duties.items():
        if period not in PERIODS:
            yield words.bad_duty(form, period)


def _programme(row: Row[Any]) -> Programme:
    return Programme(
        id=row.id,
        name=row.name,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        duties=row.duties,
        simulated=row.simulated,
        name_en=row.name_en,
        due_days=row.due_days,
    )
