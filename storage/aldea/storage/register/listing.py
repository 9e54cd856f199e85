"""Lists of sites with what a page shows of each: two queries, however many sites."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, BigInteger, BindParameter, ColumnElement, Row, Select, and_, bindparam, func, select

from aldea.storage.register.dated import holds_at
from aldea.storage.register.facts import SEVERAL_AT_ONCE, scalar_text
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, SiteState, folded, site_of
from aldea.storage.register.statements import CHUNK, among
from aldea.storage.register.status import Presence
from aldea.storage.register.streams import Completeness, completeness_of, stream_sums
from aldea.storage.register.tables import device, site, site_fact, site_state, site_status

LISTED_FACTS = (
    "state_name",
    "municipality",
    "inegi_code",
    "provider",
    "technology",
    "organisation",
    "programme",
    "power_region",
    "upstream",
)


@dataclass(frozen=True, slots=True)
class SiteOverview:
    """A site as a list shows it.

    `last_arrival_ms` and `last_event_ms`: newest of all its devices; presence and interval: its primary
    device's. `settled_until_ms`: event time up to which the primary's rows are all accounted for.
    `facts`: those asked for that hold at the time asked for; a fact of which several hold is a tuple.
    """

    site: Site
    state: SiteState | None
    primary_device: str | None
    presence: Presence
    presence_changed_ms: int | None
    interval_seconds: float | None
    last_arrival_ms: int | None
    last_event_ms: int | None
    settled_until_ms: int | None
    completeness: Completeness
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """Which sites to list; what is left out does not restrict.

    `search` looks in id and name, without regard to case and accents. `facts` maps a fact to the value it
    must have, as text (`{"programme": "…"}`). `sites`: only these, such as those that somebody may see.
    """

    simulated: bool | None = None
    state: SiteState | None = None
    search: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    sites: Collection[str] | None = None


EVERY_SITE = SiteFilter()


def list_sites(
    unit: Unit,
    at_ms: int,
    *,
    after: str | None = None,
    limit: int = 100,
    only: SiteFilter = EVERY_SITE,
    facts: Sequence[str] = LISTED_FACTS,
) -> tuple[SiteOverview, ...]:
    """Return up to `limit` sites by id, from behind `after` (the last id of the page before).

    States and facts are those that hold at `at_ms`.
    """
    chosen = select(site).order_by(site.c.id).limit(limit)
    if after is not None:
        chosen = chosen.where(site.c.id > after)
    return _overviews(unit, chosen.where(*_conditions(unit, only, at_ms)).cte("page"), at_ms, facts)


def count_listed(unit: Unit, at_ms: int, only: SiteFilter = EVERY_SITE) -> int:
    """Return how many sites a filter chooses."""
    wanted = select(func.count()).select_from(site).where(*_conditions(unit, only, at_ms))
    return int(unit.connection.execute(wanted).scalar_one())


def site_overview(unit: Unit, site_id: str, at_ms: int, facts: Sequence[str] = LISTED_FACTS) -> SiteOverview | None:
    """Return one site as a list shows it, or None when there is no such site."""
    found = _overviews(unit, select(site).where(site.c.id == site_id).cte("page"), at_ms, facts)
    return found[0] if found else None


def overviews_of(
    unit: Unit, sites: Sequence[str], at_ms: int, facts: Sequence[str] = LISTED_FACTS
) -> dict[str, SiteOverview]:
    """Return the named sites (some hundreds at most) by id; one that is not registered is left out."""
    rows = unit.connection.execute(_site_query_by_id(), {"ids": list(sites), "at_ms": at_ms}).all()
    return {found.site.id: found for found in _with_facts(unit, rows, at_ms, facts)}


def _conditions(unit: Unit, only: SiteFilter, at_ms: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if only.simulated is not None:
        conditions.append(site.c.simulated == only.simulated)
    if only.sites is not None:
        conditions.append(among(unit, site.c.id, only.sites))
    if only.search:
        conditions.append(site.c.search.contains(folded(only.search), autoescape=True))
    if only.state is not None:
        conditions.append(_in_state(only.state, at_ms))
    conditions += [_has_fact(fact, value, at_ms) for fact, value in only.facts.items()]
    return conditions


def _in_state(state: SiteState, at_ms: int) -> ColumnElement[bool]:
    return (
        select(site_state.c.id)
        .where(site_state.c.site == site.c.id, site_state.c.state == state.value, holds_at(site_state, at_ms))
        .exists()
    )


def _has_fact(fact: str, value: str, at_ms: int) -> ColumnElement[bool]:
    mine = and_(site_fact.c.site == site.c.id, site_fact.c.fact == fact, holds_at(site_fact, at_ms))
    return select(site_fact.c.id).where(mine, site_fact.c.value_text == scalar_text(value)).exists()


def _overviews(unit: Unit, page: CTE, at_ms: int, facts: Sequence[str]) -> tuple[SiteOverview, ...]:
    return _with_facts(unit, unit.connection.execute(_site_query(page, at_ms)).all(), at_ms, facts)


def _with_facts(unit: Unit, rows: Sequence[Row[Any]], at_ms: int, facts: Sequence[str]) -> tuple[SiteOverview, ...]:
    sites = {row.id: _overview(row) for row in rows}
    found: dict[str, dict[str, Any]] = {}
    for row in unit.connection.execute(_fact_query(tuple(sites), at_ms, facts)):
        _collect(found.setdefault(row.site, {}), row)
    return tuple(replace(overview, facts=found[key]) if key in found else overview for key, overview in sites.items())


@lru_cache(maxsize=1)
def _site_query_by_id() -> Select[Any]:
    """Return the query with parameters `ids` and `at_ms`: putting it together takes longer than its answer."""
    chosen = select(site).where(site.c.id.in_(bindparam("ids", expanding=True))).cte("page")
    return _site_query(chosen, bindparam("at_ms", type_=BigInteger))


def _site_query(page: CTE, at_ms: int | BindParameter[int]) -> Select[Any]:
    heard = (
        select(
            site_status.c.site,
            func.max(site_status.c.last_arrival_ms).label("last_arrival_ms"),
            func.max(site_status.c.last_event_ms).label("last_event_ms"),
        )
        .where(site_status.c.site.in_(select(page.c.id)))
        .group_by(site_status.c.site)
        .subquery("heard")
    )
    sums = stream_sums(select(page.c.id))
    primary = and_(device.c.site == page.c.id, device.c.is_primary)
    status = and_(site_status.c.site == device.c.site, site_status.c.device == device.c.id)
    joined = (
        page.outerjoin(site_state, and_(site_state.c.site == page.c.id, holds_at(site_state, at_ms)))
        .outerjoin(device, primary)
        .outerjoin(site_status, status)
        .outerjoin(heard, heard.c.site == page.c.id)
        .outerjoin(sums, sums.c.site == page.c.id)
    )
    return (
        select(
            page,
            page.c.id.label("site"),
            site_state.c.state,
            device.c.id.label("primary_device"),
            site_status.c.presence,
            site_status.c.presence_changed_ms,
            site_status.c.interval_seconds,
            heard.c.last_arrival_ms,
            heard.c.last_event_ms,
            *(column for column in sums.c if column.name != "site"),
        )
        .select_from(joined)
        .order_by(page.c.id)
    )


def _fact_query(ids: Sequence[str], at_ms: int, facts: Sequence[str]) -> Select[Any]:
    # Naming a thousand ids costs more than reading the facts of the sites that lie between.
    of_page = site_fact.c.site.between(ids[0], ids[-1]) if len(ids) > CHUNK else site_fact.c.site.in_(ids)
    return (
        select(site_fact.c.site, site_fact.c.fact, site_fact.c.value)
        .where(of_page, site_fact.c.fact.in_(facts), holds_at(site_fact, at_ms))
        .order_by(site_fact.c.site, site_fact.c.fact, site_fact.c.item)
    )


def _collect(facts: dict[str, Any], row: Row[Any]) -> None:
    if row.fact in SEVERAL_AT_ONCE:
        facts[row.fact] = (*facts.get(row.fact, ()), row.value)
    else:
        facts[row.fact] = row.value


def _overview(row: Row[Any]) -> SiteOverview:
    return SiteOverview(
        site=site_of(row),
        state=None if row.state is None else SiteState(row.state),
        primary_device=row.primary_device,
        presence=Presence.UNKNOWN if row.presence is None else Presence(row.presence),
        presence_changed_ms=row.presence_changed_ms,
        interval_seconds=row.interval_seconds,
        last_arrival_ms=row.last_arrival_ms,
        last_event_ms=row.last_event_ms,
        settled_until_ms=row.settled_until_ms,
        completeness=completeness_of(row),
        facts={},
    )
