"""The incidents that are open, and what is written about them: the records themselves are in the register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aldea.storage.register import Unit
from aldea.storage.register.incidents import (
    Incident,
    IncidentState,
    add_incident_event,
    new_incident_id,
    open_incidents,
    put_incident,
)

FLAPPING, GROUP, PLATFORM = "flapping", "group", "platform"


class IncidentLog:
    """Opens, changes and closes incidents; each change is a record and an entry in a timeline."""

    def __init__(self, unit: Unit) -> None:
        self._open = {one.id: one for one in open_incidents(unit)}
        self._by_key = {(one.rule, one.site, one.summary.get("of")): one.id for one in self._open.values()}

    def __iter__(self) -> Iterator[Incident]:
        return iter(tuple(self._open.values()))

    def get(self, incident_id: str | None) -> Incident | None:
        """Return an open incident by id."""
        return None if incident_id is None else self._open.get(incident_id)

    def of_site(self, rule: str, site: str) -> Incident | None:
        """Return the open incident of a rule and a site."""
        return self.get(self._by_key.get((rule, site, None)))

    def flapping(self, rule: str, site: str) -> Incident | None:
        """Return the open incident that says that a rule flaps at a site."""
        return self.get(self._by_key.get((FLAPPING, site, rule)))

    def shared(self, rule: str, *, simulated: bool) -> tuple[Incident, ...]:
        """Return the open incidents of no single site: groups, or the platform's."""
        return tuple(one for one in self if one.rule == rule and one.site is None and one.simulated == simulated)

    def children(self, incident_id: str) -> tuple[Incident, ...]:
        """Return the open incidents that are part of this one."""
        return tuple(one for one in self if one.parent == incident_id)

    def open(
        self,
        unit: Unit,
        rule: str,
        site: str | None,
        at_ms: int,
        since_ms: int,
        *,
        simulated: bool,
        summary: Mapping[str, Any],
        cause: str | None = None,
    ) -> Incident:
        """Open an incident and return it."""
        day = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%d")
        made = Incident(
            id=new_incident_id(unit, site or rule, day),
            site=site,
            rule=rule,
            state=IncidentState.FIRING,
            cause=cause,
            opened_ms=min(since_ms, at_ms),
            fired_ms=at_ms,
            summary=summary,
            simulated=simulated,
        )
        self._keep(unit, made)
        self._by_key[rule, site, summary.get("of")] = made.id
        add_incident_event(unit, made.id, made.opened_ms, "opened")
        add_incident_event(unit, made.id, at_ms, "fired", {"sentence": summary.get("sentence", {})})
        return made

    def change(self, unit: Unit, incident: Incident, **changes: Any) -> Incident:
        """Keep changes of an open incident, without an entry in its timeline."""
        changed = replace(incident, **changes)
        self._keep(unit, changed)
        return changed

    def resolve(
        self, unit: Unit, incident: Incident, at_ms: int, until_ms: int, sentence: Mapping[str, str]
    ) -> Incident:
        """Close an incident: it was so until `until_ms`, as we know at `at_ms`."""
        ended = max(until_ms, incident.fired_ms or incident.opened_ms)
        done = replace(
            incident,
            state=IncidentState.RESOLVED,
            resolved_ms=ended,
            summary={**incident.summary, "ended": dict(sentence)},
        )
        put_incident(unit, done)
        add_incident_event(unit, done.id, at_ms, "resolved", {"sentence": dict(sentence)})
        self.forget(incident)
        return done

    def note(self, unit: Unit, incident: Incident, at_ms: int, kind: str, **detail: Any) -> None:
        """Write an entry into a timeline."""
        add_incident_event(unit, incident.id, at_ms, kind, detail)

    def forget(self, incident: Incident) -> None:
        """Leave an incident alone from now on: it is closed, or has left with its site."""
        self._open.pop(incident.id, None)
        self._by_key.pop((incident.rule, incident.site, incident.summary.get("of")), None)

    def _keep(self, unit: Unit, incident: Incident) -> None:
        put_incident(unit, incident)
        self._open[incident.id] = incident
