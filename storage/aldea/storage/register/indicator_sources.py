"""What indicators are worked out from: every site's whole history, and which months new evidence touches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column, Select, Table, func, select

from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.feed import feed_collectors, last_position
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, site_of
from aldea.storage.register.tables import device, record, site, site_fact, site_state, slot_day, usage_day


@dataclass(frozen=True, slots=True)
class Held:
    """A value that held from `from_ms` until `to_ms` (None: still); `fact` is `state` for a site's state."""

    fact: str
    value: Any
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A site with its states and the facts asked for, oldest first, and what its devices see by kind."""

    site: Site
    held: tuple[Held, ...]
    has_device: bool
    sees: Mapping[str, bool]


def site_files(unit: Unit, facts: tuple[str, ...], *, simulated: bool) -> list[SiteFile]:
    """Return every real, or simulated, site with its history, by id: three queries, however many sites."""
    sites = [site_of(row) for row in unit.connection.execute(_of(select(site), simulated).order_by(site.c.id))]
    held: dict[str, list[Held]] = {one.id: [] for one in sites}
    states = _of(select(site_state).join(site, site.c.id == site_state.c.site), simulated)
    for row in unit.connection.execute(states.order_by(site_state.c.site, site_state.c.valid_from_ms)):
        held[row.site].append(Held("state", row.state, row.valid_from_ms, row.valid_to_ms))
    known = _of(select(site_fact).join(site, site.c.id == site_fact.c.site), simulated)
    known = known.where(site_fact.c.fact.in_(facts)).order_by(site_fact.c.site, site_fact.c.valid_from_ms)
    for row in unit.connection.execute(known):
        held[row.site].append(Held(row.fact, row.value, row.valid_from_ms, row.valid_to_ms))
    sees: dict[str, dict[str, bool]] = {}
    boxes = _of(select(device.c.site, device.c.sees).join(site, site.c.id == device.c.site), simulated)
    for row in unit.connection.execute(boxes):
        mine = sees.setdefault(row.site, {})
        for kind, able in (row.sees or {}).items():
            mine[kind] = mine.get(kind, False) or bool(able)
    return [SiteFile(one, tuple(held[one.id]), one.id in sees, sees.get(one.id, {})) for one in sites]


def months_touched(unit: Unit, since_ms: int, *, simulated: bool) -> frozenset[str]:
    """Return the months (`202506`) of which evidence was stored or changed at or after `since_ms`.

    A record tells of the month of its day; what it says of other months (a cohort's end) shows when those are
    computed again. UTC days stand for local ones, with the month on either side of a midnight.
    """
    found: set[str] = set()
    for table, column, moment in (
        (record, record.c.event_date, record.c.created_at_ms),
        (usage_day, usage_day.c.day, usage_day.c.computed_ms),
    ):
        for day in _days(unit, table, column, moment, since_ms, simulated):
            found.add(f"{day:%Y%m}")
    for number in _days(unit, slot_day, slot_day.c.day, slot_day.c.computed_ms, since_ms, simulated):
        for edge in (number * DAY_MS - DAY_MS // 2, (number + 1) * DAY_MS + DAY_MS // 2):
            found.add(f"{datetime.fromtimestamp(edge / 1000, UTC):%Y%m}")
    return frozenset(found)


def feed_positions(unit: Unit) -> Mapping[str, int]:
    """Return each collector's newest position in the feed: what a figure computed now can know of."""
    return {name: last_position(unit, name) for name in feed_collectors(unit)}


def evidence_marks(unit: Unit, *, simulated: bool) -> tuple[tuple[int, int], ...]:
    """Return (rows, newest moment) of each table of evidence: changes whenever something came or was revised."""
    found: list[tuple[int, int]] = []
    for table, moment in (
        (record, record.c.created_at_ms),
        (usage_day, usage_day.c.computed_ms),
        (slot_day, slot_day.c.computed_ms),
    ):
        wanted = select(func.count(), func.max(moment)).select_from(table.join(site, site.c.id == table.c.site))
        count, newest = unit.connection.execute(wanted.where(site.c.simulated == simulated)).one()
        found.append((int(count), int(newest or 0)))
    return tuple(found)


def _of(wanted: Select[Any], simulated: bool) -> Select[Any]:  # noqa: FBT001  # a column's value, not a switch
    return wanted.where(site.c.simulated == simulated)


def _days(
    unit: Unit,
    table: Table,
    column: Column[Any],
    moment: Column[Any],
    since_ms: int,
    simulated: bool,  # noqa: FBT001  # a column's value, not a switch
) -> list[Any]:
    joined = table.join(site, site.c.id == table.c.site)
    wanted = select(column).distinct().select_from(joined).where(moment >= since_ms, site.c.simulated == simulated)
    return [found for found in unit.connection.execute(wanted).scalars() if isinstance(found, date | int)]
