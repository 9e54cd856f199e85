"""What of stored values may be shown to whom: small counts of people are hidden, and what would give them away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from aldea.indicators.disclosure import is_small, protected
from aldea.indicators.indicator import Indicator
from aldea.indicators.terms import Disclosure, Level, Setting, Status
from aldea.storage.register.indicator_values import IndicatorValue
from aldea.storage.register.site_places import SitePlace

FEW = "few_persons"
Node = tuple[str, str, str, str]
"""Level, code, programme, disaggregation."""


def shared(
    indicator: Indicator, rows: Sequence[IndicatorValue], places: Sequence[SitePlace], *, analyst: bool = False
) -> list[IndicatorValue]:
    """Return the values of one indicator and period as they may be shown.

    `rows` should be all there are of that period, so that no hidden figure follows from those that are shown: an
    area from its parts, all programmes from each, everybody from the sexes. `analyst`: has a right to fewer.
    """
    if indicator.disclosure is Disclosure.NONE:
        return list(rows)
    nodes = {_node(row): row for row in rows}
    counts = {node: float(row.n or 0) for node, row in nodes.items()}
    small = {
        node
        for node, row in nodes.items()
        if is_small(indicator.disclosure, row.numerator, row.denominator, analyst=analyst)
    }
    hidden = protected(_sums(nodes, places), counts, small) if small else frozenset()
    return [_hidden(row) if _node(row) in hidden else _thinned(row, analyst=analyst) for row in rows]


def _node(row: IndicatorValue) -> Node:
    return row.area_level, row.area_code, row.programme, row.disagg_key


def _sums(nodes: Mapping[Node, IndicatorValue], places: Sequence[SitePlace]) -> Iterable[Sequence[Node]]:
    """Return each total with its parts, in each of the three ways in which it can be cut."""
    known = {place.site: place for place in places}
    parents = {(Level.SITE.value, place.site): _parents(place) for place in places}
    parents |= {(Level.MUNICIPALITY.value, one.municipality or ""): _parents(one)[1:] for one in places}
    parents |= {(Level.STATE.value, one.state or ""): _parents(one)[2:] for one in places}
    found: dict[tuple[int, Node], list[Node]] = {}
    for node, row in nodes.items():
        level, code, programme, disagg = node
        if level == Level.SITE and code in known and known[code].urban:
            disagg = _node(replace(row, disagg={**row.disagg, "setting": Setting.URBAN.value}))[3]
        above = ((*area, programme, disagg) for area in parents.get((level, code), ()))
        totals = (
            next((up for up in above if up in nodes), None),
            (level, code, "", node[3]) if programme else None,
            _whole(row),
        )
        for way, total in enumerate(totals):
            if total is not None and total in nodes:
                found.setdefault((way, total), [total]).append(node)
    return found.values()


def _parents(place: SitePlace) -> list[tuple[str, str]]:
    return [
        (Level.MUNICIPALITY.value, place.municipality or "?"),
        (Level.STATE.value, place.state or "?"),
        (Level.ALL.value, "all"),
    ]


def _whole(row: IndicatorValue) -> Node | None:
    """Return where the figure of everybody is that this one is a split of, by sex or age."""
    if not ({"sex", "age_band", "wave"} & set(row.disagg)):
        return None
    kept = {name: value for name, value in row.disagg.items() if name not in {"sex", "age_band", "wave"}}
    return _node(replace(row, disagg=kept))


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


def by_period(rows: Iterable[IndicatorValue]) -> Iterator[list[IndicatorValue]]:
    """Yield the values of each period apart, in order."""
    found: dict[str, list[IndicatorValue]] = {}
    for row in rows:
        found.setdefault(row.period, []).append(row)
    yield from (found[period] for period in sorted(found))
