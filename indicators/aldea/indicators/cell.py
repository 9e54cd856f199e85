"""One cell of the table of figures: the evidence of one area, programme and period."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from aldea.indicators.duties import Duties, Reports
from aldea.indicators.evidence import RecordLike, SiteHistory
from aldea.indicators.periods import Period
from aldea.indicators.segments import Segment


@dataclass(frozen=True)
class Cell:
    """What a method sees: stretches of sites' time, and records. `programme` '': all of them.

    `records` reach back and forth beyond the period as far as methods asked for; `at_day`: the day up to which
    it is worked out. `chosen`: only persons with these marks count (`sex`, `age_band`, `wave`, `evidence`).
    """

    period: Period
    programme: str
    segments: Sequence[Segment]
    records: Sequence[RecordLike]
    duties: Duties
    at_day: date
    open: bool
    chosen: Sequence[tuple[str, str]] = field(default=())

    @cached_property
    def active(self) -> list[Segment]:
        """The stretches in which a site was in service and that have begun."""
        return [segment for segment in self.segments if segment.active and segment.elapsed_ms > 0]

    @cached_property
    def sites(self) -> dict[str, list[Segment]]:
        """The stretches in service, by site."""
        found: dict[str, list[Segment]] = {}
        for segment in self.active:
            found.setdefault(segment.site.id, []).append(segment)
        return found

    @cached_property
    def histories(self) -> dict[str, SiteHistory]:
        """Every site of the cell by id."""
        return {segment.site.id: segment.site for segment in self.segments}

    def reports(self, forms: Collection[str]) -> Reports:
        """Return which reports were owed and which came."""
        return self.duties.reports(self, frozenset(forms))

    def entered(self, form: str, *, within: bool = True) -> Iterator[RecordLike]:
        """Yield the records of a form; `within`: only those with a day in the period."""
        for record in self.records:
            if record.form == form and (not within or self.covers(record.event_date)):
                yield record

    def covers(self, day: date) -> bool:
        """Whether a day lies in the period."""
        return self.period.first_day <= day <= self.period.last_day

    def chooses(self, person: Any) -> bool:
        """Whether a person (or business, or service) of a record has the marks that are asked for."""
        return all(str(person.get(mark)) == value for mark, value in self.chosen)
