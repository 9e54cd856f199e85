"""Which values of people must be hidden, worked out from as few of the stored ones as the question allows.

What is hidden depends on all values of a period, down to each site's. But a state's figures follow from what lies
above and beside them alone wherever its own sum cannot be the one that is hidden for the sake of its parts. Where
that is sure the state's municipalities and sites are not looked at, unless they are what is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.figures.places import Places
from aldea.indicators.indicator import Indicator
from aldea.indicators.sharing import ANYWHERE, AreaKey, Node, Tree, hidden_nodes, tree_of
from aldea.indicators.terms import Level
from aldea.storage.register import Unit
from aldea.storage.register.indicator_values import PersonCount, read_person_counts

Series = tuple[str, str]
"""An indicator and a period."""
STATE, MUNICIPALITY, SITE = Level.STATE.value, Level.MUNICIPALITY.value, Level.SITE.value


@dataclass(frozen=True, slots=True)
class Hiding:
    """Finds what is hidden of one world's values; `analyst`: has a right to fewer persons."""

    unit: Unit
    places: Places
    simulated: bool
    analyst: bool

    def nodes(
        self, indicators: Sequence[Indicator], periods: Collection[str], level: Level, codes: Collection[str] | None
    ) -> Mapping[Series, frozenset[Node]]:
        """Return the hidden values by indicator and period: all there are among those of the level and codes.

        `codes` None: every area of the level.
        """
        ids = [indicator.id for indicator in indicators]
        areas = self.places.areas
        tree = tree_of(areas)
        towns = sorted({area.municipality for area in areas if area.municipality})
        upper = self._read(ids, periods, ANYWHERE[0], None) + self._read(ids, periods, STATE, None)
        each = level is Level.MUNICIPALITY and codes is None  # also of those in which there is no site any more
        middle = self._read(ids, periods, MUNICIPALITY, None if each else towns)
        # A state must be looked into for what is asked of it, and where what lies in it may decide about its sum.
        opened = self._asked(level, codes, tree) | self._undecided(upper, middle, tree)
        if opened:
            tree = tree_of(areas, self.places)
            middle = [row for row in middle if tree.above.get((MUNICIPALITY, row.area_code), ANYWHERE) in opened]
            inside = [site for site in self.places if _under((SITE, site.site), tree) & opened]
            everything = len(inside) == len(self.places)
            upper += middle + self._read(ids, periods, SITE, None if everything else [site.site for site in inside])
        return self._hidden(indicators, upper, tree)

    def _read(
        self, ids: Sequence[str], periods: Collection[str], level: str, codes: Sequence[str] | None
    ) -> list[PersonCount]:
        return read_person_counts(self.unit, ids, periods, level, codes, simulated=self.simulated)

    def _asked(self, level: Level, codes: Collection[str] | None, tree: Tree) -> set[AreaKey]:
        """Return the states that are asked about below themselves; `ANYWHERE` for all that lies in no state."""
        if level in {Level.ALL, Level.STATE}:
            return set()
        if codes is None:
            return _all(tree)
        if level is Level.SITE:
            tree = tree_of(self.places.areas, self.places)
        return {state for code in codes for state in _under((level.value, code), tree) or {ANYWHERE}}

    def _undecided(self, upper: Iterable[PersonCount], middle: Iterable[PersonCount], tree: Tree) -> set[AreaKey]:
        """Return the states whose sum may have to be hidden for the sake of one of its parts.

        Of a sum with one hidden part the smallest figure is hidden too. That is never the sum itself if two parts
        or more are smaller than it. Where sites lie in no state at all, any state may have to be. Nor is one left
        closed that has no figure itself although its municipalities have: those are then parts of the whole.
        """
        if any(not area.state for area in self.places.areas):
            return _all(tree)
        parts: dict[tuple[AreaKey, tuple[object, ...]], list[int]] = defaultdict(list)
        for row in middle:
            parts[tree.above.get((MUNICIPALITY, row.area_code), ANYWHERE), _place(row)].append(row.n or 0)
        sums = {((row.area_level, row.area_code), _place(row)): row.n or 0 for row in upper}
        bare = {area for area, _ in parts.keys() - sums.keys()}
        few = {key[0] for key, n in sums.items() if sum(count < n for count in parts.get(key, ())) < 2}
        return {area for area in bare | few if area[0] == STATE and area in tree.above}

    def _hidden(
        self, indicators: Sequence[Indicator], counted: Iterable[PersonCount], tree: Tree
    ) -> dict[Series, frozenset[Node]]:
        found: dict[Series, list[PersonCount]] = defaultdict(list)
        for row in counted:
            found[row.indicator, row.period].append(row)
        kinds = {indicator.id: indicator.disclosure for indicator in indicators}
        return {
            series: hidden_nodes(kinds[series[0]], rows, tree, analyst=self.analyst) for series, rows in found.items()
        }


def _place(row: PersonCount) -> tuple[object, ...]:
    """Return indicator, period, programme and split, all but the area."""
    return (*row[:2], *row[4:6])


def _all(tree: Tree) -> set[AreaKey]:
    return {ANYWHERE, *(area for area in tree.above if area[0] == STATE)}


def _under(area: AreaKey, tree: Tree) -> set[AreaKey]:
    """Return the state that an area lies in, or `ANYWHERE` for none; nothing for an area that is not known."""
    while area in tree.above:
        area, below = tree.above[area], area
        if area == ANYWHERE:
            return {below} if below[0] == STATE else {ANYWHERE}
    return set()
