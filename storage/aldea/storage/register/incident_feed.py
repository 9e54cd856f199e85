"""What has been written into the timelines of incidents since: how a page learns that one has changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import case, func, select, type_coerce

from aldea.storage.register.incidents import Incident, IncidentState, find_incident, open_incidents
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import incident, incident_event


def newest_incident_event(unit: Unit) -> int:
    """Return the id of the newest entry of any timeline, 0 when there is none."""
    return int(unit.connection.execute(select(func.max(incident_event.c.id))).scalar_one_or_none() or 0)


def incidents_changed(unit: Unit, after: int, limit: int) -> tuple[Incident, ...]:
    """Return up to `limit` incidents into whose timelines something was written behind entry `after`."""
    newest = func.max(incident_event.c.id)
    wanted = select(incident_event.c.incident).where(incident_event.c.id > after)
    ids = unit.connection.execute(wanted.group_by(incident_event.c.incident).order_by(newest.desc()).limit(limit))
    found = (find_incident(unit, key) for key in ids.scalars().all())
    return tuple(one for one in found if one is not None and one.state is not IncidentState.PENDING)


def open_real_incidents(unit: Unit) -> tuple[Incident, ...]:
    """Return the incidents of real sites, and of the platform, that are not over."""
    return open_incidents(unit, simulated=False)


class OpenMark(NamedTuple):
    """That an incident is open: its id, its site, and of one without a site its summary."""

    id: str
    site: str | None
    summary: Mapping[str, Any]


def open_marks(unit: Unit) -> list[OpenMark]:
    """Return of every incident that fires the little that a list of sites shows, oldest first."""
    firing = incident.c.state == IncidentState.FIRING.value
    shared = case((incident.c.site.is_(None), incident.c.summary))
    wanted = select(incident.c.id, incident.c.site, type_coerce(shared, incident.c.summary.type)).where(firing)
    rows = unit.connection.execute(wanted.order_by(incident.c.opened_at_ms, incident.c.id)).all()
    return [OpenMark(key, place, summary or {}) for key, place, summary in rows]


def last_resolved_ms(unit: Unit, *, simulated: bool, sites: Collection[str] | None = None) -> int | None:
    """Return when the last incident ended (`sites`: the last of one of these alone), None when none ever did."""
    done = (incident.c.state == IncidentState.RESOLVED.value, incident.c.simulated == simulated)
    wanted = select(func.max(incident.c.resolved_at_ms)).where(*done)
    parts = [wanted] if sites is None else [wanted.where(incident.c.site.in_(part)) for part in chunks(sorted(sites))]
    found = [unit.connection.execute(part).scalar_one_or_none() for part in parts]
    return max((one for one in found if one is not None), default=None)
