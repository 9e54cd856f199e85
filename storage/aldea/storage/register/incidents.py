"""Incidents: what was judged wrong, from when until when, why, and who looks after it; with a timeline.

The alert engine opens, resolves and revises them (`put_incident`); people acknowledge, take over and comment
(`incident_answers`). The two write different columns, so neither undoes the other's work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, or_, select

from aldea.storage.register import incident_words as words
from aldea.storage.register.encoding import plain
from aldea.storage.register.errors import UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.statements import insert as upsert
from aldea.storage.register.tables import incident, incident_event

NO_DETAIL: Mapping[str, Any] = MappingProxyType({})


class IncidentState(StrEnum):
    """Where an incident is. A pending one is no incident yet: lists leave it out unless asked."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that is or was wrong. `site` None: of the platform, or of several sites (`summary["sites"]`).

    `opened_ms`: since when it is so; `fired_ms`: when the rule's hold was over; `resolved_ms`: until when it was so.
    `cause` is a word of the closed list of causes, None while nothing is known. `summary["sentence"]` is the reason
    in words, by language. `revision` counts what late evidence changed. `parent`: the incident it is part of.
    """

    id: str
    site: str | None
    rule: str
    state: IncidentState
    opened_ms: int
    cause: str | None = None
    fired_ms: int | None = None
    resolved_ms: int | None = None
    owner: str | None = None
    acknowledged_by: str | None = None
    acknowledged_ms: int | None = None
    summary: Mapping[str, Any] = field(default_factory=lambda: NO_DETAIL)
    revision: int = 0
    simulated: bool = False
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One entry of a timeline. `author` is a person's id, None where the engine wrote it."""

    id: int
    incident: str
    at_ms: int
    kind: str
    author: str | None
    detail: Mapping[str, Any]


def list_incidents(
    unit: Unit,
    *,
    sites: Collection[str] | None = None,
    states: Collection[IncidentState | str] | None = None,
    simulated: bool | None = None,
    limit: int = 100,
    after: str | None = None,
) -> tuple[Incident, ...]:
    """Return up to `limit` incidents, the newest first, from behind the incident `after` of the page before.

    `sites`: only incidents of these sites, so neither the platform's nor a group's. `states`: firing and resolved
    by default. New incidents between two pages shift nothing. Raises UnknownEntryError for an unknown `after`.
    """
    order = (incident.c.opened_at_ms.desc(), incident.c.id.desc())
    wanted = select(incident).where(*_conditions(states, simulated=simulated)).order_by(*order).limit(limit)
    if after is not None:
        wanted = wanted.where(_behind(unit, after))
    if sites is None:
        return _incidents(unit, wanted)
    found: list[Incident] = []
    for chunk in chunks(sorted(set(sites))):
        found += _incidents(unit, wanted.where(incident.c.site.in_(chunk)))
    return tuple(sorted(found, key=lambda one: (one.opened_ms, one.id), reverse=True)[:limit])


def count_incidents(
    unit: Unit,
    *,
    sites: Collection[str] | None = None,
    states: Collection[IncidentState | str] | None = None,
    simulated: bool = False,
) -> int:
    """Return how many incidents there are; real and simulated are never counted together."""
    wanted = select(func.count()).select_from(incident).where(*_conditions(states, simulated=simulated))
    if sites is None:
        return int(unit.connection.execute(wanted).scalar_one())
    parts = (wanted.where(incident.c.site.in_(chunk)) for chunk in chunks(sorted(set(sites))))
    return sum(int(unit.connection.execute(part).scalar_one()) for part in parts)


def incidents_between(unit: Unit, sites: Collection[str], from_ms: int, to_ms: int) -> tuple[Incident, ...]:
    """Return the incidents of `sites` that overlap the window, by site and time."""
    overlaps = and_(
        incident.c.opened_at_ms < to_ms,
        or_(incident.c.resolved_at_ms.is_(None), incident.c.resolved_at_ms > from_ms),
        incident.c.state != IncidentState.PENDING.value,
    )
    found: list[Incident] = []
    for chunk in chunks(sorted(set(sites))):
        found += _incidents(unit, select(incident).where(overlaps, incident.c.site.in_(chunk)))
    return tuple(sorted(found, key=lambda one: (one.site or "", one.opened_ms, one.id)))


def find_incident(unit: Unit, incident_id: str) -> Incident | None:
    """Return one incident, or None."""
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id)).first()
    return None if row is None else incident_of(row)


def incident_children(unit: Unit, incident_id: str) -> tuple[Incident, ...]:
    """Return the incidents that are part of this one, by site."""
    return _incidents(
        unit, select(incident).where(incident.c.parent == incident_id).order_by(incident.c.site, incident.c.id)
    )


def incident_events(unit: Unit, incident_id: str) -> tuple[IncidentEvent, ...]:
    """Return an incident's timeline, oldest first."""
    mine = select(incident_event).where(incident_event.c.incident == incident_id)
    rows = unit.connection.execute(mine.order_by(incident_event.c.at_ms, incident_event.c.id))
    return tuple(IncidentEvent(**row._mapping) for row in rows)


def open_incidents(unit: Unit, *, simulated: bool | None = None, shared: bool = False) -> tuple[Incident, ...]:
    """Return every incident that fires, oldest first: what an engine that starts goes on with.

    `simulated`: only of this world; `shared`: only those that are of no single site.
    """
    wanted = select(incident).where(*_conditions((IncidentState.FIRING,), simulated=simulated))
    if shared:
        wanted = wanted.where(incident.c.site.is_(None))
    return _incidents(unit, wanted.order_by(incident.c.opened_at_ms, incident.c.id))


def resolved_since(unit: Unit, since_ms: int, *, after: str, limit: int) -> tuple[Incident, ...]:
    """Return up to `limit` of the sites' incidents that were resolved at `since_ms` or later, behind the id `after`.

    Their evidence may still come in.
    """
    done = and_(incident.c.state == IncidentState.RESOLVED.value, incident.c.resolved_at_ms >= since_ms)
    wanted = select(incident).where(done, incident.c.site.is_not(None), incident.c.id > after)
    return _incidents(unit, wanted.order_by(incident.c.id).limit(limit))


def new_incident_id(unit: Unit, stem: str, day: str) -> str:
    """Return an id that is not taken: `stem-day-number`, counting from 1 within the day."""
    prefix = f"{stem}-{day}-"
    taken = unit.connection.execute(select(incident.c.id).where(incident.c.id.startswith(prefix, autoescape=True)))
    rests = (found.removeprefix(prefix) for found in taken.scalars())
    return f"{prefix}{1 + max((int(rest) for rest in rests if rest.isdecimal()), default=0)}"


def put_incident(unit: Unit, one: Incident) -> None:
    """Store what the engine knows of an incident; owner and acknowledgement of a stored one stay as they are."""
    values = {
        "site": one.site,
        "rule": one.rule,
        "state": IncidentState(one.state).value,
        "cause": one.cause,
        "opened_at_ms": one.opened_ms,
        "fired_at_ms": one.fired_ms,
        "resolved_at_ms": one.resolved_ms,
        "summary": plain(dict(one.summary)),
        "revision": one.revision,
        "simulated": one.simulated,
        "parent": one.parent,
    }
    statement = upsert(unit, incident).values(id=one.id, **values)
    unit.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def add_incident_event(
    unit: Unit,
    incident_id: str,
    at_ms: int,
    kind: str,
    detail: Mapping[str, Any] = NO_DETAIL,
    author: str | None = None,
) -> None:
    """Write an entry into an incident's timeline."""
    values = {"incident": incident_id, "at_ms": at_ms, "kind": kind, "author": author, "detail": plain(dict(detail))}
    unit.connection.execute(insert(incident_event).values(**values))


def _conditions(states: Collection[IncidentState | str] | None, *, simulated: bool | None) -> list[ColumnElement[bool]]:
    chosen = (IncidentState.FIRING, IncidentState.RESOLVED) if states is None else states
    conditions: list[ColumnElement[bool]] = [incident.c.state.in_([IncidentState(one).value for one in chosen])]
    if simulated is not None:
        conditions.append(incident.c.simulated == simulated)
    return conditions


def _behind(unit: Unit, after: str) -> ColumnElement[bool]:
    opened = unit.connection.execute(select(incident.c.opened_at_ms).where(incident.c.id == after)).scalar_one_or_none()
    if opened is None:
        raise UnknownEntryError(words.no_cursor(after))
    same = and_(incident.c.opened_at_ms == opened, incident.c.id < after)
    return or_(incident.c.opened_at_ms < opened, same)


def _incidents(unit: Unit, wanted: Select[Any]) -> tuple[Incident, ...]:
    rows: Sequence[Row[Any]] = unit.connection.execute(wanted).all()
    return tuple(incident_of(row) for row in rows)


def incident_of(row: Row[Any]) -> Incident:
    """Return a row of the table as an incident."""
    return Incident(
        id=row.id,
        site=row.site,
        rule=row.rule,
        state=IncidentState(row.state),
        opened_ms=row.opened_at_ms,
        cause=row.cause,
        fired_ms=row.fired_at_ms,
        resolved_ms=row.resolved_at_ms,
        owner=row.owner,
        acknowledged_by=row.acknowledged_by,
        acknowledged_ms=row.acknowledged_at_ms,
        summary=row.summary,
        revision=row.revision,
        simulated=bool(row.simulated),
        parent=row.parent,
    )
