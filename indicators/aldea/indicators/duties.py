"""Which reports were owed, and which came: the coverage of what people enter.

A report is owed by a site in service, for each form that a programme asks for, once a month or once a quarter.
It has come when there is a record with a day in that month or quarter, or one that says *nothing happened*.
Until the period is over, nothing is overdue: then only what came is counted as owed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.indicators.evidence import ProgrammeLike, RecordLike
from aldea.indicators.periods import Month, PeriodError, month_of

if TYPE_CHECKING:
    from aldea.indicators.cell import Cell
    from aldea.indicators.segments import Segment

NOTHING = "nothing"
Unit = tuple[int, int, bool]
"""A month (year, month, False) or a quarter (year, quarter, True)."""


@dataclass(frozen=True, slots=True)
class Reports:
    """`owed` and `came`: pairs of (site, form, month or quarter); what came is a part of what was owed.

    `overdue` is False while the period is still open: what has not come may yet.
    """

    owed: frozenset[tuple[str, str, Unit]]
    came: frozenset[tuple[str, str, Unit]]
    overdue: bool

    def sites(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the sites that owed something, and those of them from which all came."""
        owing = frozenset(site for site, _, _ in self.owed)
        missing = {site for site, _, _ in self.owed - self.came}
        return owing, owing - missing


@dataclass(frozen=True, slots=True)
class Duties:
    """What programmes ask of their sites."""

    programmes: Mapping[str, ProgrammeLike] = field(default_factory=dict)

    @classmethod
    def of(cls, programmes: Sequence[ProgrammeLike]) -> Duties:
        """Return the duties of these programmes."""
        return cls({programme.id: programme for programme in programmes})

    def reports(self, cell: Cell, forms: frozenset[str]) -> Reports:
        """Return which reports were owed in a cell and which came."""
        entered = _entered(cell.records, forms)
        came = frozenset(key for key in entered if _month_in(key[2], cell.period.months))
        owed = {key for segment in cell.active for key in self._owed(segment, cell, forms)}
        # A quarter's report is owed once: in the quarter's last month, or when it comes.
        due = {key for key in owed if not key[2][2] or _ends_in(key[2], cell.period.months)}
        early = {key for key in owed - due if _came_within(key, entered, cell.period.months)}
        known = due | early
        return Reports(frozenset(known), frozenset(known & _quarters_too(came, entered, known)), not cell.open)

    def _owed(self, segment: Segment, cell: Cell, forms: frozenset[str]) -> Iterable[tuple[str, str, Unit]]:
        wanted = segment.programmes if not cell.programme else segment.programmes & {cell.programme}
        for programme_id in wanted:
            programme = self.programmes.get(programme_id)
            if programme is None or not _runs(programme, segment.month):
                continue
            for form, rhythm in programme.duties.items():
                if form in forms:
                    yield segment.site.id, form, _unit(segment.month, quarterly=rhythm == "quarter")


def _unit(month: Month, *, quarterly: bool) -> Unit:
    return (*month.quarter, True) if quarterly else (month.year, month.month, False)


def _runs(programme: ProgrammeLike, month: Month) -> bool:
    return programme.starts_on <= month.last_day and (programme.ends_on is None or programme.ends_on >= month.first_day)


def _entered(records: Sequence[RecordLike], forms: frozenset[str]) -> set[tuple[str, str, Unit]]:
    """Return (site, form, month) and (site, form, quarter) of every record, explicit zeros included."""
    found: set[tuple[str, str, Unit]] = set()
    for record in records:
        form, month = record.form, Month(record.event_date.year, record.event_date.month)
        if form == NOTHING:
            form = str(record.payload.get("form", ""))
            try:
                month = month_of(str(record.payload.get("month", "")))
            except PeriodError:
                continue
        if form in forms:
            found.add((record.site, form, _unit(month, quarterly=False)))
            found.add((record.site, form, _unit(month, quarterly=True)))
    return found


def _quarters_too(
    came: Collection[tuple[str, str, Unit]], entered: set[tuple[str, str, Unit]], known: set[tuple[str, str, Unit]]
) -> set[tuple[str, str, Unit]]:
    return set(came) | {key for key in known if key[2][2] and key in entered}


def _month_in(unit: Unit, months: Sequence[Month]) -> bool:
    return not unit[2] and Month(unit[0], unit[1]) in months


def _ends_in(unit: Unit, months: Sequence[Month]) -> bool:
    return any(month.ends_quarter and month.quarter == unit[:2] for month in months)


def _came_within(key: tuple[str, str, Unit], entered: set[tuple[str, str, Unit]], months: Sequence[Month]) -> bool:
    site, form, unit = key
    return any(month.quarter == unit[:2] and (site, form, _unit(month, quarterly=False)) in entered for month in months)
