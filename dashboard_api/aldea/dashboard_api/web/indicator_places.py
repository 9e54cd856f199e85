"""The table of an indicator's page: its figure place by place, a page at a time, and who is missing in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.web.indicator_words import FigureShown, FigureWriter
from aldea.dashboard_api.web.indicators_choice import Choice
from aldea.indicators.indicator import Indicator
from aldea.indicators.terms import Level, Setting, Status
from aldea.storage.register.indicator_values import IndicatorValue
from aldea.storage.register.sites import folded

PARTS_A_PAGE = 200
SILENT = (Status.WITHHELD.value, Status.NOT_COLLECTED.value)


@dataclass(frozen=True, slots=True)
class PartRow:
    """A line of the table."""

    name: str
    address: str
    figure: FigureShown


@dataclass(frozen=True, slots=True)
class PartsShown:
    """A page of the table: addresses of the page before and the next, or none, and which lines are shown.

    `silent`: the first of the `silent_count` places of which less is known than was expected.
    """

    rows: Sequence[PartRow]
    before: str | None
    behind: str | None
    said: str
    silent: Sequence[PartRow]
    silent_count: int


def parts_shown(entry: Indicator, choice: Choice, writer: FigureWriter, page: int) -> PartsShown:
    """Return one page of an indicator's figures of the places that lie in the area that is shown; the last at most."""
    names = choice.places.names(choice.by)

    def name(row: IndicatorValue) -> str:
        return names.get((row.area_level, row.area_code), row.area_code)

    def shown(row: IndicatorValue) -> PartRow:
        address = choice.address(f"/indicators/{entry.id}", area=f"{row.area_level}:{row.area_code}")
        return PartRow(name(row), address, writer.figure(entry, row))

    def address(number: int) -> str:
        kept = {"by": choice.by.value, "sort": choice.sort, "page": str(number)}
        return choice.address(f"/indicators/{entry.id}", **kept)

    rows = _within(choice.reader.rows(entry, choice.parts(), [choice.wanted.period], _sites_inside(choice)), choice)
    rows.sort(key=lambda row: folded(name(row)))
    if choice.sort in _ORDERS:
        rows.sort(key=_ORDERS[choice.sort])
    page = min(page, max(1, -(-len(rows) // PARTS_A_PAGE)))
    first = (page - 1) * PARTS_A_PAGE
    last = min(first + PARTS_A_PAGE, len(rows))
    silent = [row for row in rows if row.sites_reporting < row.sites_expected or row.status in SILENT]
    return PartsShown(
        rows=[shown(row) for row in rows[first:last]],
        before=address(page - 1) if page > 1 else None,
        behind=address(page + 1) if last < len(rows) else None,
        said=f"{writer.count(first + 1)}\u2013{writer.count(last)} / {writer.count(len(rows))}" if first < last else "",
        silent=[shown(row) for row in silent[:PARTS_A_PAGE]],
        silent_count=len(silent),
    )


_ORDERS: Mapping[str, Callable[[IndicatorValue], float]] = {
    "value": lambda row: 1.0 if row.value is None else -row.value,
    "coverage": lambda row: -1.0 if row.coverage is None else row.coverage,
}


def _sites_inside(choice: Choice) -> Collection[str] | None:
    """Return the sites in the area that is shown, where sites are its parts; None where all parts are asked for."""
    area = choice.wanted
    if choice.by is not Level.SITE or area.level is Level.ALL:
        return None
    return [one.site for one in choice.places if area.code in {one.state, one.municipality, one.site}]


def _within(rows: Sequence[IndicatorValue], choice: Choice) -> list[IndicatorValue]:
    """Return the parts that lie in the area that is shown; of the whole, the sites of the setting that is shown."""
    area = choice.wanted
    if Level.SITE not in {choice.by, area.level}:
        within = [(one.municipality, one.state) for one in choice.places.areas]
        inside = {code for codes in within if area.code in codes for code in codes} | {area.code}
        return [row for row in rows if area.level is Level.ALL or row.area_code in inside]
    urban = {place.site for place in choice.places if place.urban}
    mine = [place for place in choice.places if area.code in {place.state, place.municipality, place.site}]
    inside = {code for place in mine for code in (place.site, place.municipality, place.state)}

    def fits(row: IndicatorValue) -> bool:
        if area.level is Level.ALL or row.area_code == area.code:
            return row.area_level != Level.SITE or (row.area_code in urban) == (area.setting is Setting.URBAN)
        return row.area_code in inside

    return [row for row in rows if fits(row)]
