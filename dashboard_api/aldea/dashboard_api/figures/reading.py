"""Reading values: stored rows, within rights, with small counts of people hidden."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aldea.dashboard_api.figures.asking import PERSON_MARKS, Wanted
from aldea.dashboard_api.figures.hiding import Hiding, Series
from aldea.dashboard_api.figures.places import Places
from aldea.dashboard_api.figures.rights import Rights
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.indicator import Indicator
from aldea.indicators.sharing import Node, impossible, row_shared
from aldea.indicators.terms import Disclosure, Level
from aldea.storage.register import Unit
from aldea.storage.register.indicator_values import IndicatorValue, ValueFilter, disagg_key, read_values
from aldea.storage.register.statements import chunks


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one world's values for one visitor, in one unit. `above`: what was found hidden of states and the whole."""

    unit: Unit
    places: Places
    rights: Rights
    above: dict[Series, Collection[Node]] = field(default_factory=dict)

    def rows(
        self,
        indicator: Indicator,
        wanted: Wanted,
        periods: Collection[str],
        codes: Collection[str] | None = None,
    ) -> list[IndicatorValue]:
        """Return the values asked for, by period, area and programme; those outside of the rights are left out.

        `periods` and `codes`: which periods and areas, where `wanted` names none.
        """
        periods = [wanted.period] if wanted.period else periods
        split = {name: value for name, value in wanted.split.items() if name in PERSON_MARKS}
        cannot = bool(split) and not set(split) <= set(indicator.marks)
        disagg = {key: value for key, value in wanted.disagg.items() if not cannot or key not in split}
        found = self._read([indicator], wanted, periods, disagg, codes)
        return [impossible(row, split.items()) for row in found] if cannot else found

    def page(
        self, indicator: Indicator, wanted: Wanted, period: str, *, limit: int, after: int | None
    ) -> list[IndicatorValue]:
        """Return the first `limit` values of a period, or more, from behind the value with the id `after`.

        Raises LookupError or RegisterError when that one is not there any more. Where rights, or the people behind the
        values, decide what is returned, all of them are read.
        """
        if self.rights.everything and indicator.disclosure is Disclosure.NONE and not wanted.split:
            only = self._filter([indicator.id], wanted, [period], wanted.disagg)
            return read_values(self.unit, only, limit=limit, after=after)
        found = self.rows(indicator, replace(wanted, period=period), ())
        return found if after is None else list(_behind(found, after))

    def together(self, wanted: Wanted, periods: Collection[str]) -> dict[str, list[IndicatorValue]]:
        """Return the values of every indicator, by its id: a few queries, however many indicators there are."""
        if wanted.split:
            return {key: self.rows(entry, wanted, periods) for key, entry in CATALOGUE.items()}
        periods = [wanted.period] if wanted.period else periods
        found: dict[str, list[IndicatorValue]] = {key: [] for key in CATALOGUE}
        for row in self._read(tuple(CATALOGUE.values()), wanted, periods, wanted.disagg):
            found[row.indicator].append(row)
        return found

    def _read(
        self,
        indicators: Sequence[Indicator],
        wanted: Wanted,
        periods: Collection[str],
        disagg: dict[str, str],
        codes: Collection[str] | None = None,
    ) -> list[IndicatorValue]:
        ids = [indicator.id for indicator in indicators]
        codes = codes if wanted.code is None else [wanted.code]
        only = self._filter(ids, wanted, periods, disagg)
        rows = [row for part in _parts(only, codes) for row in read_values(self.unit, part)]
        rows = [row for row in rows if self.rights.may_see(row.area_level, row.area_code, row.programme)]
        people = [indicator for indicator in indicators if indicator.disclosure is not Disclosure.NONE]
        if not people or not rows:
            return rows
        analyst = self.rights.analyst
        hidden = self._hidden(people, wanted, periods, codes)
        return [
            row_shared(CATALOGUE[row.indicator], row, hidden.get((row.indicator, row.period), ()), analyst=analyst)
            for row in rows
        ]

    def _hidden(
        self, people: Sequence[Indicator], wanted: Wanted, periods: Collection[str], codes: Collection[str] | None
    ) -> Mapping[Series, Collection[Node]]:
        """Return what is hidden; of the whole and of states it is found out together, once for each period."""
        hiding = Hiding(self.unit, self.places, wanted.simulated, self.rights.analyst)
        if wanted.level not in {Level.ALL, Level.STATE}:
            return hiding.nodes(people, periods, wanted.level, codes)
        series = {(one.id, period) for one in people for period in periods}
        if not series <= self.above.keys():
            found = hiding.nodes(people, periods, wanted.level, codes)
            self.above.update({one: found.get(one, frozenset()) for one in series})
        return self.above

    def _filter(
        self, indicators: Collection[str], wanted: Wanted, periods: Collection[str], disagg: dict[str, str]
    ) -> ValueFilter:
        codes = None if wanted.code is None else [wanted.code]
        return ValueFilter(
            wanted.simulated,
            indicators,
            periods,
            wanted.level.value,
            codes,
            wanted.programme,
            disagg_key(disagg),
        )


def _behind(rows: Sequence[IndicatorValue], after: int) -> Sequence[IndicatorValue]:
    place = next((number for number, row in enumerate(rows) if row.id == after), None)
    if place is None:
        raise LookupError(after)
    return rows[place + 1 :]


def _parts(only: ValueFilter, codes: Collection[str] | None) -> Iterator[ValueFilter]:
    """Yield filters that name no more areas each than one statement takes; their values are by code then."""
    if codes is None:
        yield only
        return
    for part in chunks(sorted(codes)):
        yield replace(only, codes=part)
