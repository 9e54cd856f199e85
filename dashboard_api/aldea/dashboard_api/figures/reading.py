"""Reading values: stored rows, within rights, with small counts of people hidden."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.figures.asking import PERSON_MARKS, Wanted
from aldea.dashboard_api.figures.places import names_of
from aldea.dashboard_api.figures.rights import Rights
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.indicator import Indicator
from aldea.indicators.sharing import by_period, impossible, shared
from aldea.indicators.terms import Disclosure, Level
from aldea.storage.register import Unit
from aldea.storage.register.indicator_values import IndicatorValue, ValueFilter, disagg_key, read_values
from aldea.storage.register.site_places import SitePlace, areas_of


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one world's values for one visitor, in one unit."""

    unit: Unit
    places: Sequence[SitePlace]
    rights: Rights

    def rows(
        self, indicator: Indicator, wanted: Wanted, periods: Collection[str] | None = None
    ) -> list[IndicatorValue]:
        """Return the values asked for, by period, area and programme; those outside of the rights are left out."""
        if wanted.period:
            periods = [wanted.period]
        split = {name: value for name, value in wanted.split.items() if name in PERSON_MARKS}
        cannot = bool(split) and not set(split) <= set(indicator.marks)
        disagg = {key: value for key, value in wanted.disagg.items() if not cannot or key not in split}
        if indicator.disclosure is Disclosure.NONE:
            found = read_values(self.unit, self._filter([indicator.id], wanted, periods, disagg))
        else:
            whole = read_values(self.unit, self._whole([indicator.id], wanted, periods))
            found = self._shared(indicator, whole, wanted, disagg)
        found = [row for row in found if self._may_see(row)]
        return [impossible(row, split.items()) for row in found] if cannot else found

    def together(self, wanted: Wanted, periods: Collection[str]) -> dict[str, list[IndicatorValue]]:
        """Return the values of every indicator, by its id: two queries, however many there are."""
        if wanted.split:
            return {key: self.rows(entry, wanted, periods) for key, entry in CATALOGUE.items()}
        periods = [wanted.period] if wanted.period else periods
        plain = [key for key, entry in CATALOGUE.items() if entry.disclosure is Disclosure.NONE]
        people = [key for key in CATALOGUE if key not in plain]
        found: dict[str, list[IndicatorValue]] = {key: [] for key in CATALOGUE}
        for only in (self._filter(plain, wanted, periods, wanted.disagg), self._whole(people, wanted, periods)):
            for row in read_values(self.unit, only):
                found[row.indicator].append(row)
        for key in people:
            found[key] = self._shared(CATALOGUE[key], found[key], wanted, wanted.disagg)
        return {key: [row for row in rows if self._may_see(row)] for key, rows in found.items()}

    def _may_see(self, row: IndicatorValue) -> bool:
        return self.rights.may_see(row.area_level, row.area_code, row.programme)

    def _whole(self, indicators: Collection[str], wanted: Wanted, periods: Collection[str] | None) -> ValueFilter:
        """Ask for everything of the periods, because what is hidden depends on all that could give it away."""
        return ValueFilter(wanted.simulated, indicators, periods, disagg=None)

    def _shared(
        self, indicator: Indicator, whole: Sequence[IndicatorValue], wanted: Wanted, disagg: dict[str, str]
    ) -> list[IndicatorValue]:
        """Return what is asked for of all values of an indicator of people, as it may be shown."""
        found: list[IndicatorValue] = []
        for rows in by_period(whole):
            found += shared(indicator, rows, self.places, analyst=self.rights.analyst)
        key = disagg_key(disagg)
        return [
            row
            for row in found
            if (row.area_level, row.programme, row.disagg_key) == (wanted.level, wanted.programme, key)
            and wanted.code in {None, row.area_code}
        ]

    def _filter(
        self, indicators: Collection[str], wanted: Wanted, periods: Collection[str] | None, disagg: dict[str, str]
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


def area_names(places: Sequence[SitePlace]) -> dict[tuple[str, str], str]:
    """Return what each site and area is called, by level and code."""
    return {(Level.SITE.value, place.site): place.name for place in places} | names_of(areas_of(places))
