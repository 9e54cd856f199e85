"""Shares of sites of which somebody said yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from aldea.indicators.cell import Cell
from aldea.indicators.duties import NOTHING
from aldea.indicators.evidence import RecordLike
from aldea.indicators.methods.method import ratio, reported, unknown_bounds
from aldea.indicators.periods import Month
from aldea.indicators.values import Figure


@dataclass(frozen=True, slots=True)
class ShareOfAssessedSites:
    """Sites with at least one yes, as a share of the sites assessed; periods over a quarter count site-quarters.

    The newest answer of a project counts. Explicit *nothing* is an assessment: no project used it. A site that
    owes its report is out of the denominator, and in the bounds.
    """

    form: str
    flag: str
    subject: str = "project"
    factor: float = 100.0

    @property
    def reach(self) -> Mapping[str, int]:
        """The form, back to the beginning of the quarter."""
        return {self.form: 92}

    def figure(self, cell: Cell) -> Figure:
        """Return the share, bounded by the reports that are missing."""
        answers = self._answers(cell)
        base = reported(cell.reports({self.form}), entered=bool(answers))
        if base.missing is not None:
            return base
        sites: dict[tuple[str, object], bool] = {}
        for (site, unit, _), payload in answers.items():
            sites[site, unit] = sites.get((site, unit), False) or payload.get(self.flag) is True
        yes, assessed = sum(sites.values()), len(sites)
        silent = round((base.expected or 0) - (base.observed or 0))
        return replace(
            base,
            numerator=yes,
            denominator=assessed,
            value=ratio(yes, assessed, self.factor),
            bounds=unknown_bounds(yes, assessed, silent, self.factor),
            n=assessed,
        )

    def _answers(self, cell: Cell) -> dict[tuple[str, object, str], Mapping[str, Any]]:
        """Return the newest answer of each project of each site (and of each quarter, in a longer period)."""
        long = len(cell.period.months) > 3
        found: dict[tuple[str, object, str], tuple[date, Mapping[str, Any]]] = {}
        for record in self._records(cell):
            day, payload = record.event_date, record.payload
            unit = Month(day.year, day.month).quarter if long else None
            key = (record.site, unit, str(payload.get(self.subject, "")))
            if key not in found or found[key][0] <= day:
                found[key] = (day, payload)
        return {key: payload for key, (_, payload) in found.items()}

    def _records(self, cell: Cell) -> list[RecordLike]:
        zeros = [record for record in cell.entered(NOTHING) if record.payload.get("form") == self.form]
        if cell.chosen:
            zeros = []
        return [*zeros, *(record for record in cell.entered(self.form) if cell.chooses(record.payload))]
