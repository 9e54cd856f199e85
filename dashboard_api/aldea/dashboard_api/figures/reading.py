"""Reading values: stored rows, within rights, with small counts of people hidden."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.figures.asking import PERSON_MARKS, Wanted
from aldea.dashboard_api.figures.rights import Rights
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.indicator import Indicator
from aldea.indicators.sharing import by_period, impossible, shared
from aldea.indicators.terms import Disclosure, Level
from aldea.storage.register import Unit
from aldea.storage.register.indicator_sources import SitePlace
from aldea.storage.register.indicator_values import IndicatorValue, ValueFilter, disagg_key, read_values


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
            found = read_values(self.unit, self._filter(indicator, wanted, periods, disagg))
        else:
            found = self._people(indicator, wanted, periods, disagg)
        found = [row for row in found if self.rights.may_see(row.area_level, row.area_code, row.programme)]
        return [impossible(row, split.items()) for row in found] if cannot else found

    def together(self, wanted: Wanted, periods: Collection[str]) -> dict[str, list[IndicatorValue]]:
        """Return the values of every indicator, by its id."""
        return {key: self.rows(entry, wanted, periods) for key, entry in CATALOGUE.items()}

    def _people(
        self, indicator: Indicator, wanted: Wanted, periods: Collection[str] | None, disagg: dict[str, str]
    ) -> list[IndicatorValue]:
        """Read everything of the periods, because what is hidden depends on all that could give it away."""
        whole = ValueFilter(wanted.simulated, [indicator.id], periods, disagg=None)
        found: list[IndicatorValue] = []
        for rows in by_period(read_values(self.unit, whole)):
            found += shared(indicator, rows, self.places, analyst=self.rights.analyst)
        key = disagg_key(disagg)
        return [
            row
            for row in found
            if (row.area_level, row.programme, row.disagg_key) == (wanted.level, wanted.programme, key)
            and wanted.code in {None, row.area_code}
        ]

    def _filter(
        self, indicator: Indicator, wanted: Wanted, periods: Collection[str] | None, disagg: dict[str, str]
    ) -> ValueFilter:
        codes = None if wanted.code is None else [wanted.code]
        return ValueFilter(
            wanted.simulated,
            [indicator.id],
            periods,
            wanted.level.value,
            codes,
            wanted.programme,
            disagg_key(disagg),
        )


def area_names(places: Sequence[SitePlace]) -> dict[tuple[str, str], str]:
    """Return what each area is called, by level and code; a municipality with its state, because names repeat."""
    site, state, municipality = Level.SITE.value, Level.STATE.value, Level.MUNICIPALITY.value
    names = {(site, place.site): place.name for place in places}
    names |= {(state, found): found for found in {place.state for place in places} if found}
    towns = {place.municipality: (place.municipality_name or place.municipality, place.state) for place in places}
    named = ((code, parts) for code, parts in towns.items() if code)
    return names | {(municipality, code): ", ".join(part for part in parts if part) for code, parts in named}
