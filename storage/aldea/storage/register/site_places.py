"""Where sites are, for figures of areas: site by site, or only in which municipalities and states there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, case, func, select

from aldea.storage.register.dated import holds_at
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import site, site_fact

_TOWN = "town_code"


class SitePlace(NamedTuple):
    """Where a site is at a moment: its municipality (5 digits) and state as on file, and whether it is in a town.

    A tuple, because ten thousand are made for each page of figures.
    """

    site: str
    name: str
    municipality: str | None
    municipality_name: str | None
    state: str | None
    urban: bool


class SiteArea(NamedTuple):
    """A municipality and state in which there are sites, the last of them by id, and whether one is in a town."""

    municipality: str | None
    municipality_name: str | None
    state: str | None
    last_site: str
    urban: bool


def site_places(unit: Unit, at_ms: int, *, simulated: bool) -> list[SitePlace]:
    """Return where each real, or simulated, site is at `at_ms`, by id.

    A municipality is called what its last site by id calls it.
    """
    joined, municipality, state = _joined(at_ms)
    wanted = select(site.c.id, site.c.name, municipality, state).select_from(joined)
    wanted = wanted.where(site.c.simulated == simulated).order_by(site.c.id)
    found = unit.connection.execute(wanted).all()
    names = _municipality_names(unit, {town: name for name, _, town, _ in found if town}, at_ms)
    urban = _urban_sites(unit, at_ms, simulated=simulated)
    return [
        SitePlace(name, called, town, names.get(town), state_name, name in urban)
        for name, called, town, state_name in found
    ]


def site_areas(unit: Unit, at_ms: int, *, simulated: bool) -> list[SiteArea]:
    """Return what `areas_of` makes of `site_places`, in less than half of the time: no site is read by itself."""
    joined, municipality, state = _joined(at_ms)
    wanted = select(municipality, state, func.max(site.c.id)).select_from(joined)
    wanted = wanted.where(site.c.simulated == simulated).group_by(_TOWN, state)
    found = sorted((last, town, state_name) for town, state_name, last in unit.connection.execute(wanted))
    names = _municipality_names(unit, {town: last for last, town, _ in found if town}, at_ms)
    towns = _urban_sites(unit, at_ms, simulated=simulated)
    urban: set[tuple[str | None, str | None]] = set()
    for part in chunks(sorted(towns)):
        inside = select(municipality, state).select_from(joined).where(site.c.id.in_(part)).distinct()
        urban |= {(town, state_name) for town, state_name in unit.connection.execute(inside)}
    return [
        SiteArea(town, names.get(town), state_name, last, (town, state_name) in urban)
        for last, town, state_name in found
    ]


def areas_of(places: Iterable[SitePlace]) -> list[SiteArea]:
    """Return the areas of sites that are given by id: by the last site in each."""
    found: dict[tuple[str | None, str | None], SiteArea] = {}
    for name, _, town, town_name, state, urban in places:
        before = found.get((town, state))
        found[town, state] = SiteArea(town, town_name, state, name, urban or (before is not None and before.urban))
    return sorted(found.values(), key=lambda area: area.last_site)


def _joined(at_ms: int) -> tuple[FromClause, ColumnElement[str | None], ColumnElement[str | None]]:
    """Return sites with where they are, and the columns of the municipality's code and of the state.

    One value holds at a time, so a site stays one row: a row a fact would cost twice the time in ten thousand.
    """
    code, state = site_fact.alias("code"), site_fact.alias("state")
    joined = site.join(code, and_(code.c.site == site.c.id, _says(code, "inegi_code", at_ms)), isouter=True)
    joined = joined.join(state, and_(state.c.site == site.c.id, _says(state, "state_name", at_ms)), isouter=True)
    text = code.c.value_text
    town = case((func.length(text).in_((5, 9)), func.substr(text, 1, 5))).label(_TOWN)
    return joined, town, state.c.value_text


def _municipality_names(unit: Unit, examples: Mapping[str, str], at_ms: int) -> dict[str | None, str | None]:
    """Return what municipalities are called, by code; `examples` has a site of each."""
    names: dict[str, str | None] = {}
    for part in chunks(sorted(examples.values())):
        wanted = select(site_fact.c.site, site_fact.c.value_text)
        wanted = wanted.where(site_fact.c.site.in_(part), _says(site_fact, "municipality", at_ms))
        names |= {row.site: row.value_text for row in unit.connection.execute(wanted)}
    return {code: names.get(name) for code, name in examples.items()}


def _urban_sites(unit: Unit, at_ms: int, *, simulated: bool) -> frozenset[str]:
    """Return the sites that are in a town: few, so that they are asked for by themselves."""
    wanted = select(site_fact.c.site).join(site, site.c.id == site_fact.c.site).where(site.c.simulated == simulated)
    wanted = wanted.where(_says(site_fact, "urban", at_ms), func.lower(site_fact.c.value_text) == "true")
    return frozenset(unit.connection.execute(wanted).scalars())


def _says(table: FromClause, fact: str, at_ms: int) -> ColumnElement[bool]:
    """Return the condition that a row says `fact` at `at_ms`."""
    return and_(table.c.fact == fact, table.c.item == "", holds_at(table, at_ms))
