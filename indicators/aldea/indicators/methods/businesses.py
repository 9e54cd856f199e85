"""Businesses that improved, by what those who were followed say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from aldea.indicators.cell import Cell
from aldea.indicators.methods.method import reported, share_of_persons
from aldea.indicators.periods import Month
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure

DUE_MONTHS = 3
Business = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ShareImproved:
    """Businesses with at least one of the improvements, as a share of those that answered, in one kind of evidence.

    Asked were all whom a follow-up of the period lists, and all supported whose wave fell due in the three months
    that end with the period and who have not answered before: the silent ones make the bounds. `waves`: months
    after the support at which one asks.
    """

    criteria: tuple[str, ...]
    evidence: str = "self_report"
    waves: tuple[int, ...] = (6, 12)
    form: str = "business_follow_up"
    support: str = "business_support"
    factor: float = 100.0

    @property
    def reach(self) -> Mapping[str, int]:
        """Follow-ups of the last months, support as long ago as the last wave."""
        return {self.form: 92, self.support: 31 * (max(self.waves) + DUE_MONTHS + 1)}

    def figure(self, cell: Cell) -> Figure:
        """Return the share, with its interval and its bounds for those who were silent."""
        answers, before = self._answers(cell)
        asked = set(answers) | (self._due(cell) - before)
        base = reported(cell.reports({self.form}), entered=bool(answers))
        if not answers:
            missing = base.missing or (None if asked else Status.CANNOT_EXIST)
            return replace(base, observed=0, expected=len(asked), n=0, missing=missing)
        answered = [found for found in answers.values() if found.get("answered")]
        improved = sum(any(found.get(name) is True for name in self.criteria) for found in answered)
        share = share_of_persons(improved, len(answered), len(asked))
        return replace(share, sites_reporting=base.sites_reporting, sites_expected=base.sites_expected)

    def _answers(self, cell: Cell) -> tuple[dict[Business, Mapping[str, Any]], set[Business]]:
        """Return the newest answer of each business in the period, and who had answered before it."""
        found: dict[Business, Mapping[str, Any]] = {}
        before: set[Business] = set()
        records = [one for one in cell.entered(self.form, within=False) if one.payload.get("evidence") == self.evidence]
        for record in sorted(records, key=lambda one: one.event_date):
            for answer in record.payload.get("answers") or ():
                key = (record.site, str(answer.get("code")).upper())
                marks = {**answer, "wave": record.payload.get("wave")}
                if cell.covers(record.event_date) and cell.chooses(marks):
                    found[key] = answer
                elif record.event_date < cell.period.first_day and answer.get("answered"):
                    before.add(key)
        return found, before

    def _due(self, cell: Cell) -> set[Business]:
        """Return the supported businesses whose wave fell due in the months that end with the period."""
        last = cell.period.months[-1]
        window = {last.shifted(-back) for back in range(DUE_MONTHS)}
        found: set[Business] = set()
        for record in cell.entered(self.support, within=False):
            for business in record.payload.get("businesses") or ():
                since = _month(business.get("supported_on"))
                for wave in self.waves:
                    marks = {**business, "wave": str(wave)}
                    if since is not None and since.shifted(wave) in window and cell.chooses(marks):
                        found.add((record.site, str(business.get("code")).upper()))
        return found


def _month(text: object) -> Month | None:
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        return None
    return Month(day.year, day.month)
