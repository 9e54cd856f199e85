"""What of stored values may be shown to whom: small counts of people are hidden, and what would give them away."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from aldea.indicators.disclosure import is_small, protected
from aldea.indicators.indicator import Indicator
from aldea.indicators.terms import Disclosure, Level, Setting, Status
from aldea.storage.register.indicator_values import IndicatorValue, PersonCount, disagg_key
from aldea.storage.register.site_places import SiteArea, SitePlace

FEW = "few_persons"
ANYWHERE = (Level.ALL.value, "all")
PERSON_MARKS = frozenset({"sex", "age_band", "wave"})
AreaKey = tuple[str, str]
"""Level and code."""
Node = tuple[str, str, str, str]
"""Level, code, programme, disaggregation."""


Counted = IndicatorValue | PersonCount
"""What of a value decides whether it, or another, must be hidden; `n` counts its persons."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Of which area each area is a part, one step up; and which sites are in towns."""

    above: Mapping[AreaKey, AreaKey]
    urban: frozenset[str]


def tree_of(areas: Iterable[SiteArea], places: Iterable[SitePlace] = ()) -> Tree:
    """Return the tree of the areas, with the sites of `places` in it. `areas` by their last site: it decides."""
    above: dict[AreaKey, AreaKey] = {}
    urban: set[str] = set()
    for area in areas:
        state = (Level.STATE.value, area.state) if area.state else ANYWHERE
        if area.municipality:
            above[Level.MUNICIPALITY.value, area.municipality] = state
        if area.state:
            above[state] = ANYWHERE
    for site, _, municipality, _, name, in_town in places:
        state = (Level.STATE.value, name) if name else ANYWHERE
        above[Level.SITE.value, site] = (Level.MUNICIPALITY.value, municipality) if municipality else state
        if in_town:
            urban.add(site)
    return Tree(above, frozenset(urban))


def hidden_nodes(kind: Disclosure, counted: Iterable[Counted], tree: Tree, *, analyst: bool = False) -> frozenset[Node]:
    """Return which values of one indicator and period must be hidden, for being small or for what they give away.

    `counted` should be all there are with persons in them, so that no hidden figure follows from those that are
    shown: an area from its parts, all programmes from each, everybody from the sexes.
    """
    counts: dict[Node, float] = {}
    small: set[Node] = set()
    for row in counted:
        if row.n:
            node = node_of(row)
            counts[node] = row.n
            if is_small(kind, row.numerator, row.denominator, analyst=analyst):
                small.add(node)
    return protected(_sums(sorted(counts), tree), counts, small) if small else frozenset()


def row_shared(
    indicator: Indicator, row: IndicatorValue, hidden: Collection[Node], *, analyst: bool = False
) -> IndicatorValue:
    """Return a value as it may be shown. `hidden`: of its period; `analyst`: has a right to fewer persons."""
    if indicator.disclosure is Disclosure.NONE:
        return row
    if node_of(row) in hidden or is_small(indicator.disclosure, row.numerator, row.denominator, analyst=analyst):
        return _hidden(row)
    return _thinned(row, analyst=analyst)


def node_of(row: Counted) -> Node:
    """Return where a value stands."""
    if isinstance(row, PersonCount):
        return row[2:6]
    return row.area_level, row.area_code, row.programme, row.disagg_key


def _sums(nodes: Sequence[Node], tree: Tree) -> list[Sequence[Node]]:
    """Return each total with its parts, in each of the three ways in which it can be cut.

    Where the area that another lies in has no figure itself, the next one up has it as a part: facts change, and a
    period's figures are of the areas that sites were in then.
    """
    known = frozenset(nodes)
    of_areas: dict[Node, list[Node]] = {}
    of_programmes: dict[Node, list[Node]] = {}
    of_people: dict[Node, list[Node]] = {}

    def put(found: dict[Node, list[Node]], total: Node, part: Node) -> None:
        parts = found.get(total)
        if parts is not None:
            parts.append(part)
        elif total in known:
            found[total] = [total, part]

    for node in nodes:
        level, code, programme, disagg = node
        split = _in_town(disagg) if level == Level.SITE and code in tree.urban else disagg
        up = _next_up((level, code), (programme, split), tree, known)
        if up is not None:
            put(of_areas, up, node)
        if programme:
            put(of_programmes, (level, code, "", disagg), node)
        whole = _whole(disagg)
        if whole != disagg:
            put(of_people, (level, code, programme, whole), node)
    return [*of_areas.values(), *of_programmes.values(), *of_people.values()]


def _next_up(area: AreaKey, rest: tuple[str, str], tree: Tree, known: Collection[Node]) -> Node | None:
    """Return the figure of the next area up that has one; `rest`: its programme and split."""
    above = tree.above.get(area)
    while above is not None:
        found = (*above, *rest)
        if found in known:
            return found
        above = tree.above.get(above)
    return None


@lru_cache(maxsize=1024)
def _in_town(disagg: str) -> str:
    """Return under which split an area has the figures of its sites in towns."""
    return disagg_key({**(json.loads(disagg) if disagg else {}), "setting": Setting.URBAN.value})


@lru_cache(maxsize=1024)
def _whole(disagg: str) -> str:
    """Return the split of everybody that this one is a part of, by sex or age; itself if it is no part."""
    split = json.loads(disagg) if disagg else {}
    return disagg_key({name: value for name, value in split.items() if name not in PERSON_MARKS})


def _hidden(row: IndicatorValue) -> IndicatorValue:
    return _emptied(row, Status.SUPPRESSED, (FEW,))


def _thinned(row: IndicatorValue, *, analyst: bool) -> IndicatorValue:
    """Take the counts from what is not shown for its reliability, but for those who may judge that themselves."""
    if row.status == Status.SUPPRESSED and not analyst:
        return _emptied(row, Status.SUPPRESSED, row.notes)
    return row


def impossible(row: IndicatorValue, disagg: Iterable[tuple[str, str]]) -> IndicatorValue:
    """Return the answer to a split that cannot exist, such as a machine's time by sex."""
    return replace(_emptied(row, Status.CANNOT_EXIST, ("no_such_split",)), disagg={**row.disagg, **dict(disagg)})


def _emptied(row: IndicatorValue, status: Status, notes: Sequence[str]) -> IndicatorValue:
    return replace(
        row,
        status=status.value,
        notes=tuple(notes),
        value=None,
        numerator=None,
        denominator=None,
        bounds_low=None,
        bounds_high=None,
        ci_low=None,
        ci_high=None,
        n=None,
    )
