"""A year of stored indicator values for the pages that are measured: every indicator, every level of area."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import insert, literal, select

from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.periods import Period, month_at, period_of
from aldea.indicators.publishing import Place, published
from aldea.indicators.stored import row_of
from aldea.indicators.terms import Disclosure, Level, Status
from aldea.indicators.values import Area, Figure
from aldea.storage.register.indicator_writing import put_values
from aldea.storage.register.tables import indicator_value
from bench.pages_fill import PROGRAMME, is_in_programme

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aldea.indicators.indicator import Indicator
    from aldea.storage.register import Register, Unit
    from aldea.storage.register.indicator_values import IndicatorValue
    from aldea.storage.register.sites import SiteEntry

MONTHS = 12
HOURS = 720
VILLAGES = 76
"""After so many sites the same villages come again; who reports is shifted by one each time."""


@dataclass(slots=True)
class _Cell:
    """What an area's sites add up to: persons by (mark, choice), `("", "")` for everybody."""

    sites: int = 0
    hours_up: int = 0
    reporting: int = 0
    persons: dict[tuple[str, str], int] = field(default_factory=dict)


def fill_values(register: Register, sites: Sequence[SiteEntry], now: int) -> int:
    """Store the values of twelve months, the running one open; return how many there are.

    Each site's time is known. One site in four reports of people too, split by two marks in two, and one in eight
    is in a programme, which has figures of its own: a value for each area and once more for it. Of the closed
    months one is stored as the server's work does it, the others are copies of it: two million rows by their
    objects would take minutes.
    """
    last = month_at(now, "Etc/GMT+12")
    closed, *others = [period_of(last.shifted(-back).code) for back in range(1, MONTHS)]
    stored = 0
    for period in (closed, period_of(last.code)):
        is_open = period is not closed
        values = _values(_cells(sites), period, is_open=is_open)
        with register.transaction() as unit:
            done = put_values(
                unit, period.code, values, simulated=True, closing=not is_open, at_ms=now, positions={"main": now}
            )
        stored += done.new
    with register.transaction() as unit:
        for period in others:
            stored += _copy(unit, closed.code, period.code)
    return stored


def _copy(unit: Unit, period: str, to: str) -> int:
    columns = [column for column in indicator_value.c if column.name != "id"]
    changed = [literal(to) if column.name == "period" else column for column in columns]
    made = select(*changed).where(indicator_value.c.period == period)
    return unit.connection.execute(insert(indicator_value).from_select(columns, made)).rowcount


def _cells(sites: Sequence[SiteEntry]) -> Mapping[tuple[Area, str], _Cell]:
    cells: dict[tuple[Area, str], _Cell] = {}
    for place, entry in enumerate(sites):
        turn = place + place // VILLAGES
        persons = 8 + place * 7 % 30 if turn % 4 == 0 else 0
        for area in _areas(entry):
            for programme in ("", PROGRAMME) if is_in_programme(place) else ("",):
                cell = cells.setdefault((area, programme), _Cell())
                cell.sites += 1
                cell.hours_up += HOURS - place % 97
                cell.reporting += persons > 0
                for group, count in _groups(persons):
                    cell.persons[group] = cell.persons.get(group, 0) + count
    return cells


def _areas(entry: SiteEntry) -> Iterator[Area]:
    facts = {fact.fact: str(fact.value) for fact in entry.facts}
    yield Area(Level.SITE, entry.site.id)
    yield Area(Level.MUNICIPALITY, facts["inegi_code"][:5])
    yield Area(Level.STATE, facts["state_name"])
    yield Area(Level.ALL)


def _groups(persons: int) -> Iterable[tuple[tuple[str, str], int]]:
    """Split people in two, by each of the marks that an indicator may have."""
    most = persons * 3 // 5
    halves = (("sex", "F", "M"), ("age_band", "15-24", "25-44"), ("wave", "6", "12"))
    yield ("", ""), persons
    for mark, first, second in halves:
        yield (mark, first), most
        yield (mark, second), persons - most


def _values(cells: Mapping[tuple[Area, str], _Cell], period: Period, *, is_open: bool) -> Iterator[IndicatorValue]:
    for (area, programme), cell in cells.items():
        for entry in CATALOGUE.values():
            for evidence, method, series in entry.series():
                for group, figure in _figures(entry, cell, method.factor, main=not series):
                    disagg = {**series, group[0]: group[1]} if group[0] else dict(series)
                    at = Place(area, period, programme, disagg, simulated=True, open=is_open)
                    yield row_of(published(entry, evidence, method.factor, figure, at))


def _figures(entry: Indicator, cell: _Cell, factor: float, *, main: bool) -> Iterator[tuple[tuple[str, str], Figure]]:
    """Yield one indicator's figures of an area; as in life, only the main series says that there is nothing."""
    everyone = "", ""
    if entry.disclosure is Disclosure.NONE:
        yield everyone, _share(cell, cell.hours_up, cell.sites * HOURS, factor, None)
    elif cell.persons[everyone]:
        for group, count in cell.persons.items():
            if count and group[0] in {"", *entry.marks}:
                yield group, _share(cell, count * 2 // 3, count, factor, count)
    elif main:
        yield everyone, Figure(missing=Status.NOT_COLLECTED, sites_expected=cell.sites)


def _share(cell: _Cell, good: int, of: int, factor: float, persons: int | None) -> Figure:
    share = good / of * factor
    known = (share * 0.98, min(factor, share * 1.02)) if persons is None else None
    reporting = cell.sites if persons is None else cell.reporting
    return Figure(
        good, of, share, 98, 100, bounds=known, n=persons, sites_reporting=reporting, sites_expected=cell.sites
    )
