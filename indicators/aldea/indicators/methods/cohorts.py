"""Cohorts: of those who began in a period, how many finished in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from aldea.indicators.cell import Cell
from aldea.indicators.duties import NOTHING
from aldea.indicators.methods.method import ratio, reported
from aldea.indicators.statistics import wilson
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure


def completion(enrolled: int, waiting: int, completed: int, factor: float = 100.0) -> Figure:
    """Return completions as a share of the enrolments whose time is over; `waiting` still have some left."""
    mature = enrolled - waiting
    ci95 = None
    if mature:
        low, high = wilson(completed, mature)
        ci95 = (low * factor, high * factor)
    return Figure(completed, mature, ratio(completed, mature, factor), ci95=ci95, n=mature, provisional=waiting > 0)


@dataclass(frozen=True, slots=True)
class CohortCompletion:
    """Completions within so many days, as a share of the period's enrolments that are that old.

    An enrolment belongs to the period of its own day. While some are younger the figure is provisional.
    """

    form: str = "course"
    within_days: int = 90
    factor: float = 100.0

    @property
    def reach(self) -> Mapping[str, int]:
        """Courses that began up to a year before: people may join later."""
        return {self.form: 366}

    def figure(self, cell: Cell) -> Figure:
        """Return the cohort's completion."""
        people = [person for record in cell.entered(self.form, within=False) for person in _people(record.payload)]
        cohort = [one for one in people if cell.covers(one[0]) and cell.chooses(one[2])]
        zeros = any(record.payload.get("form") == self.form for record in cell.entered(NOTHING))
        base = reported(cell.reports({self.form}), entered=bool(cohort) or zeros)
        if base.missing is not None:
            return base
        limit = timedelta(days=self.within_days)
        mature = [one for one in cohort if one[0] + limit <= cell.at_day]
        completed = sum(done is not None and done <= began + limit for began, done, _ in mature)
        found = completion(len(cohort), len(cohort) - len(mature), completed, self.factor)
        return replace(
            base,
            numerator=found.numerator,
            denominator=found.denominator,
            value=found.value,
            ci95=found.ci95,
            n=found.n,
            provisional=found.provisional,
            missing=None if cohort else Status.CANNOT_EXIST,
            notes=(*base.notes, "cohort_open" if found.provisional else "" if cohort else "no_events"),
        )


def _people(course: Mapping[str, Any]) -> list[tuple[date, date | None, Mapping[str, Any]]]:
    """Return (enrolled on, completed on, person) of everyone whose day of enrolment can be read."""
    found: list[tuple[date, date | None, Mapping[str, Any]]] = []
    for person in course.get("participants") or ():
        began = _day(person.get("enrolled_on"))
        if began is not None:
            found.append((began, _day(person.get("completed_on")), person))
    return found


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
