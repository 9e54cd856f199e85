"""Where the sites of one world are, read only as far as a question needs: a page of totals looks at no single site."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

from aldea.indicators.terms import Level
from aldea.storage.register import Unit
from aldea.storage.register.site_places import SiteArea, SitePlace, areas_of, site_areas, site_places
from aldea.storage.register.sites import find_sites


class Places(Sequence[SitePlace]):
    """The real, or simulated, sites by id, read in `unit` when one of them is first looked at."""

    def __init__(self, unit: Unit, at_ms: int, *, simulated: bool) -> None:
        self._unit = unit
        self._at_ms = at_ms
        self._simulated = simulated

    @cached_property
    def _sites(self) -> list[SitePlace]:
        return site_places(self._unit, self._at_ms, simulated=self._simulated)

    @cached_property
    def areas(self) -> list[SiteArea]:
        """The municipalities and states with sites: from the sites when these have been read, else asked for."""
        if "_sites" in self.__dict__:
            return areas_of(self._sites)
        return site_areas(self._unit, self._at_ms, simulated=self._simulated)

    @cached_property
    def area_names(self) -> dict[tuple[str, str], str]:
        """What the municipalities and states with sites are called, by level and code."""
        return names_of(self.areas)

    def names(self, level: Level, codes: Collection[str] | None = None) -> dict[tuple[str, str], str]:
        """Return what the places of a level are called, by level and code; of `codes` at least."""
        if level is not Level.SITE:
            return {key: name for key, name in self.area_names.items() if key[0] == level.value}
        if codes is None or "_sites" in self.__dict__:
            return {(level.value, place.site): place.name for place in self}
        return {(level.value, key): site.name for key, site in find_sites(self._unit, codes).items()}

    def __len__(self) -> int:
        return len(self._sites)

    def __iter__(self) -> Iterator[SitePlace]:
        return iter(self._sites)

    @overload
    def __getitem__(self, index: int) -> SitePlace: ...
    @overload
    def __getitem__(self, index: slice) -> list[SitePlace]: ...
    def __getitem__(self, index: int | slice) -> SitePlace | list[SitePlace]:
        return self._sites[index]


def names_of(areas: Iterable[SiteArea]) -> dict[tuple[str, str], str]:
    """Return what municipalities and states are called, by level and code; `areas` by their last site.

    A municipality is named with its state, because names repeat.
    """
    names: dict[tuple[str, str], str] = {}
    for area in areas:
        if area.state:
            names[Level.STATE.value, area.state] = area.state
        if area.municipality:
            parts = (area.municipality_name or area.municipality, area.state)
            names[Level.MUNICIPALITY.value, area.municipality] = ", ".join(part for part in parts if part)
    return names
