"""Distinct persons as a share of the inhabitants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aldea.indicators.cell import Cell
from aldea.indicators.duties import NOTHING
from aldea.indicators.evidence import RecordLike
from aldea.indicators.methods.method import ratio, reported
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure

SELF_PACED_SHARE = 0.25
Person = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DistinctPersonsPer:
    """Distinct persons who took part, for each so many inhabitants of the localities served.

    Persons are told apart by site and code: codes are given at the site, so that the same code elsewhere is
    somebody else. Whoever was at a session took part, whatever the record of the course says so far. Persons are
    counted anew for each area and period. A locality with two sites counts once; a site whose population is not on
    file is left out on both sides.
    """

    courses: str = "course"
    sessions: str = "course_session"
    activities: str = "attendance"
    factor: float = 1000.0

    @property
    def reach(self) -> Mapping[str, int]:
        """The three forms, with a day in the period."""
        return {self.courses: 92, self.sessions: 92, self.activities: 92}

    def figure(self, cell: Cell) -> Figure:
        """Return persons for each `factor` inhabitants."""
        records = [record for form in self.reach for record in cell.entered(form)]
        zeros = any(record.payload.get("form") in self.reach for record in cell.entered(NOTHING))
        base = reported(cell.reports(tuple(self.reach)), entered=bool(records) or zeros)
        if base.missing is not None:
            return base
        inhabitants, placed = _inhabitants(cell)
        persons = {person for record in records for person in self._persons(record, cell)}
        counted = {person for person in persons if person[0] in placed}
        notes = (*base.notes, *(["unkeyed"] if any(_uncoded(record.payload) for record in records) else []))
        if not inhabitants or cell.chosen:
            word = "population_by_group_missing" if inhabitants else "population_missing"
            trained = len(counted if inhabitants else persons)
            return replace(base, numerator=trained, n=trained, missing=Status.NOT_COLLECTED, notes=(*notes, word))
        if len(placed) < len(cell.histories):
            notes = (*notes, "population_incomplete")
        value = ratio(len(counted), inhabitants, self.factor)
        return replace(base, numerator=len(counted), denominator=inhabitants, value=value, n=len(counted), notes=notes)

    def _persons(self, record: RecordLike, cell: Cell) -> Iterator[Person]:
        for person in record.payload.get("participants") or ():
            code = person.get("code")
            if code and cell.chooses(person) and (record.form != self.courses or _attended(person, record.payload)):
                yield record.site, str(code).upper()


def _uncoded(payload: Mapping[str, Any]) -> bool:
    """Say whether people were counted without a code: by group or not, they are no distinct persons."""
    return bool(payload.get("unkeyed") or payload.get("tally"))


def _attended(person: Mapping[str, Any], course: Mapping[str, Any]) -> bool:
    """Say whether a person took part: one session, or a quarter of a course without a teacher."""
    attended = person.get("sessions_attended") or 0
    planned = course.get("sessions_planned") or 0
    if course.get("mode") == "self_paced" and planned:
        return bool(attended >= SELF_PACED_SHARE * planned)
    return bool(attended >= 1)


def _inhabitants(cell: Cell) -> tuple[float, frozenset[str]]:
    """Return the inhabitants of all localities served, and the sites whose locality's are known."""
    populations: dict[str, float] = {}
    placed: set[str] = set()
    for segment in cell.segments:
        if segment.population is not None:
            populations[segment.locality] = segment.population
            placed.add(segment.site.id)
    return sum(populations.values()), frozenset(placed)
