"""What the settler keeps: which days are to be settled, how far it is, and the days it has settled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy import insert as plain_insert

from aldea.model.truth import Interval, SlotDay
from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.known import known_sites
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks, insert
from aldea.storage.register.tables import (
    device,
    site,
    site_fact,
    site_state,
    slot_day,
    truth_dirty,
    truth_interval,
    truth_progress,
)

OPEN_AFTER_MS = 2 * 60 * 60 * 1000
"""How long after its end a day's evidence is still replaced in place; later changes are new revisions."""

PLACE_FACTS = ("primary_device", "power_region", "silence_means", "opening_hours", "programme", "state_name")


class Mark(NamedTuple):
    """A day of a site that is to be settled; `mark` tells one marking from the next."""

    site: str
    day: int
    mark: int


class Dated(NamedTuple):
    """A value and the time it held; `to_ms` None: still."""

    value: Any
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """What is registered of a site and matters to its truth: dated states and facts, by name."""

    site: str
    timezone: str
    simulated: bool
    created_ms: int
    states: tuple[Dated, ...] = ()
    facts: Mapping[str, tuple[Dated, ...]] = field(default_factory=dict)
    sees: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a site has been judged.

    `registered`: a digest of its place as it was then. `boots`: boot id → [start, end] as they were.
    """

    site: str
    judged_from_ms: int
    judged_until_ms: int
    registered: str = ""
    boots: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettledDay:
    """A day as it was settled, with its intervals."""

    slots: SlotDay
    intervals: tuple[Interval, ...]


def mark_days(unit: Unit, days: Iterable[tuple[str, int]]) -> None:
    """Note that these sites' UTC days (counted since 1970) are to be settled; unknown sites are left out."""
    wanted = sorted(set(days))
    known = known_sites(unit, {name for name, _ in wanted})
    rows = [{"site": name, "day": day, "mark": 1} for name, day in wanted if name in known]
    if not rows:
        return
    statement = insert(unit, truth_dirty)
    statement = statement.on_conflict_do_update(index_elements=["site", "day"], set_={"mark": truth_dirty.c.mark + 1})
    unit.connection.execute(statement, rows)


def marked_days(unit: Unit, sites: int, days: int, *, recent_day: int) -> list[list[Mark]]:
    """Return what to settle next, by site: the newest marked day of all sites, of up to `sites` sites.

    When that is older than `recent_day`, the marked days of the `days` days before come with it: a site's rows
    are read for many days at once, but not before every site has its newest.
    """
    newest = select(truth_dirty.c.day).order_by(truth_dirty.c.day.desc()).limit(1)
    day = unit.connection.execute(newest).scalar_one_or_none()
    if day is None:
        return []
    table = truth_dirty
    reach = 1 if day >= recent_day else days
    chosen = select(table.c.site).where(table.c.day == day).order_by(table.c.site).limit(sites)
    wanted = (
        select(table)
        .where(table.c.site.in_(chosen), table.c.day.between(day - reach + 1, day))
        .order_by(table.c.site, table.c.day.desc())
    )
    found: dict[str, list[Mark]] = {}
    for row in unit.connection.execute(wanted):
        found.setdefault(row.site, []).append(Mark(row.site, row.day, row.mark))
    return list(found.values())


def clear_marks(unit: Unit, marks: Iterable[Mark]) -> None:
    """Forget marks; a day that was marked again meanwhile stays marked."""
    table = truth_dirty
    for mark in marks:
        same = (table.c.site == mark.site, table.c.day == mark.day, table.c.mark == mark.mark)
        unit.connection.execute(delete(table).where(*same))


def write_days(unit: Unit, days: Sequence[SettledDay], latest: Mapping[tuple[str, int], SlotDay], now_ms: int) -> None:
    """Keep settled days and replace their intervals.

    `latest` are the newest revisions that were stored. A day that is still open is replaced; one that is over
    gets a new revision, unless nothing about it has changed. Sites that have left are passed over.
    """
    known = known_sites(unit, {item.slots.site for item in days})
    for item in days:
        if item.slots.site in known:
            _write_day(unit, item, latest.get((item.slots.site, item.slots.day)), now_ms)


def drop_days_after(unit: Unit, sites: Collection[str], day: int) -> None:
    """Take back what was settled of UTC days after `day`, by a clock that was ahead: they have not come yet."""
    for chunk in chunks(sorted(sites)):
        for table, late in (
            (slot_day, slot_day.c.day > day),
            (truth_dirty, truth_dirty.c.day > day),
            (truth_interval, truth_interval.c.start_ms >= (day + 1) * DAY_MS),
        ):
            unit.connection.execute(delete(table).where(table.c.site.in_(chunk), late))


def read_progress(unit: Unit) -> dict[str, Progress]:
    """Return how far each site has been judged."""
    rows = unit.connection.execute(select(truth_progress))
    return {row.site: Progress(**row._mapping) for row in rows}


def write_progress(unit: Unit, rows: Sequence[Progress]) -> None:
    """Keep how far sites have been judged; sites that have left are passed over."""
    known = known_sites(unit, {row.site for row in rows})
    values = [{c.name: getattr(row, c.name) for c in truth_progress.c} for row in rows if row.site in known]
    if not values:
        return
    statement = insert(unit, truth_progress)
    statement = statement.on_conflict_do_update(
        index_elements=["site"],
        set_={c.name: statement.excluded[c.name] for c in truth_progress.c if c.name != "site"},
    )
    unit.connection.execute(statement, values)


def read_places(unit: Unit) -> dict[str, Place]:
    """Return every site's dated states and facts, in four queries."""
    execute = unit.connection.execute
    states: dict[str, list[Dated]] = {}
    for row in execute(select(site_state).order_by(site_state.c.site, site_state.c.valid_from_ms)):
        states.setdefault(row.site, []).append(Dated(row.state, row.valid_from_ms, row.valid_to_ms))
    facts: dict[str, dict[str, list[Dated]]] = {}
    wanted = select(site_fact).where(site_fact.c.fact.in_(PLACE_FACTS))
    for row in execute(wanted.order_by(site_fact.c.site, site_fact.c.valid_from_ms, site_fact.c.item)):
        dated = Dated(row.value, row.valid_from_ms, row.valid_to_ms)
        facts.setdefault(row.site, {}).setdefault(row.fact, []).append(dated)
    sees: dict[str, dict[str, Mapping[str, bool]]] = {}
    for row in execute(select(device.c.site, device.c.id, device.c.sees)):
        sees.setdefault(row.site, {})[row.id] = row.sees
    return {
        row.id: Place(
            row.id,
            row.timezone,
            row.simulated,
            row.created_at_ms,
            tuple(states.get(row.id, ())),
            {name: tuple(values) for name, values in facts.get(row.id, {}).items()},
            sees.get(row.id, {}),
        )
        for row in execute(select(site.c.id, site.c.timezone, site.c.simulated, site.c.created_at_ms))
    }


def _write_day(unit: Unit, item: SettledDay, latest: SlotDay | None, now_ms: int) -> None:
    slots = item.slots
    is_open = now_ms < slots.start_ms + DAY_MS + OPEN_AFTER_MS
    body = slots.body()
    same = latest is not None and latest.body() == body
    if latest is None or is_open:
        _put_revision(unit, slots, body, 1 if latest is None else latest.revision)
    elif not same:
        _put_revision(unit, slots, body, latest.revision + 1)
    table = truth_interval
    start = slots.start_ms
    mine = (table.c.site == slots.site, table.c.start_ms >= start, table.c.start_ms < start + DAY_MS)
    unit.connection.execute(delete(table).where(*mine))
    rows = [
        {
            "site": one.site,
            "start_ms": one.start_ms,
            "end_ms": one.end_ms,
            "state": one.state.value,
            "cause": one.cause,
            "evidence": dict(one.evidence),
        }
        for one in item.intervals
    ]
    if rows:
        unit.connection.execute(plain_insert(table), rows)


def _put_revision(unit: Unit, slots: SlotDay, body: bytes, revision: int) -> None:
    statement = insert(unit, slot_day)
    values = {
        "site": slots.site,
        "day": slots.day,
        "revision": revision,
        "body": body,
        "positions": dict(slots.positions),
        "computed_ms": slots.computed_ms,
    }
    changing = ("body", "positions", "computed_ms")
    statement = statement.on_conflict_do_update(
        index_elements=["site", "day", "revision"], set_={name: statement.excluded[name] for name in changing}
    )
    unit.connection.execute(statement, values)
