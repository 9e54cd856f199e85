"""Settled truth as others read it: intervals, kept slots, and how far it is settled."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Row, Select, func, select

from aldea.model.truth import Interval, SlotDay, TruthState, joined
from aldea.model.truth.slots import DAY_MS, slots_from_body
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.streams import stream_sums
from aldea.storage.register.tables import site as site_table
from aldea.storage.register.tables import slot_day, truth_dirty, truth_interval, truth_progress

__all__ = [
    "Interval",
    "SlotDay",
    "TruthState",
    "judged_span",
    "read_intervals",
    "read_slot_days",
    "settled_until",
    "slot_day_revisions",
    "waiting_days",
]


def read_intervals(unit: Unit, sites: Collection[str], from_ms: int, to_ms: int) -> tuple[Interval, ...]:
    """Return the sites' intervals from `from_ms` up to before `to_ms`, cut to that, by site and time.

    They lie end to end over the time that was judged and in which the site was commissioned; there are none
    elsewhere.
    """
    found: list[Interval] = []
    table = truth_interval
    for chunk in chunks(sorted(set(sites))):
        wanted = (
            select(table)
            # An interval is never longer than a day.
            .where(table.c.site.in_(chunk), table.c.start_ms > from_ms - DAY_MS, table.c.start_ms < to_ms)
            .where(table.c.end_ms > from_ms)
            .order_by(table.c.site, table.c.start_ms)
        )
        found += [_interval(row, from_ms, to_ms) for row in unit.connection.execute(wanted)]
    return tuple(joined(found))


def read_slot_days(unit: Unit, sites: Collection[str], from_ms: int, to_ms: int) -> tuple[SlotDay, ...]:
    """Return the newest revision of each UTC day that touches the time, by site and day."""
    return tuple(_slot_days(unit, sites, from_ms // DAY_MS, -(-to_ms // DAY_MS) - 1))


def slot_day_revisions(unit: Unit, site: str, day: int) -> tuple[SlotDay, ...]:
    """Return every revision of a site's UTC day (counted since 1970), oldest first."""
    mine = (slot_day.c.site == site, slot_day.c.day == day)
    rows = unit.connection.execute(select(slot_day).where(*mine).order_by(slot_day.c.revision))
    return tuple(_slot_day(row) for row in rows)


def settled_until(unit: Unit, site: str) -> int | None:
    """Return the event time through which the site's truth is settled, None before there is any.

    Up to there the rows of its primary device are stored or accounted for, and no day that is over waits to be
    judged again. Time is judged some minutes later, see `judged_span`.
    """
    sums = stream_sums(select(site_table.c.id).where(site_table.c.id == site))
    return unit.connection.execute(select(sums.c.settled_until_ms)).scalar_one_or_none()


def judged_span(unit: Unit, site: str) -> tuple[int, int] | None:
    """Return the time that intervals exist for, as (from, to), None before the first; its end is provisional."""
    table = truth_progress
    row = unit.connection.execute(select(table).where(table.c.site == site)).first()
    return None if row is None else (row.judged_from_ms, row.judged_until_ms)


def waiting_days(unit: Unit) -> int:
    """Return how many days of how many sites are still to be settled: zero when all is."""
    return int(unit.connection.execute(select(func.count()).select_from(truth_dirty)).scalar_one())


def _slot_days(unit: Unit, sites: Collection[str], first: int, last: int) -> Iterator[SlotDay]:
    for chunk in chunks(sorted(set(sites))):
        for row in unit.connection.execute(newest_days(chunk, first, last)):
            yield _slot_day(row)


def newest_days(sites: Collection[str], first: int, last: int) -> Select[Any]:
    """Return the query of the newest revisions of the sites' days from `first` to `last`, both included."""
    newest = (
        select(slot_day.c.site, slot_day.c.day, func.max(slot_day.c.revision).label("revision"))
        .where(slot_day.c.site.in_(sites), slot_day.c.day.between(first, last))
        .group_by(slot_day.c.site, slot_day.c.day)
        .subquery()
    )
    same = (slot_day.c.site == newest.c.site) & (slot_day.c.day == newest.c.day)
    return (
        select(slot_day)
        .join(newest, same & (slot_day.c.revision == newest.c.revision))
        .order_by(slot_day.c.site, slot_day.c.day)
    )


def _slot_day(row: Row[Any]) -> SlotDay:
    observed, codes, sent, received = slots_from_body(row.body)
    return SlotDay(
        row.site, row.day, observed, codes, sent, received, row.revision, row.computed_ms, dict(row.positions)
    )


def _interval(row: Row[Any], from_ms: int, to_ms: int) -> Interval:
    return Interval(
        row.site,
        max(row.start_ms, from_ms),
        min(row.end_ms, to_ms),
        TruthState(row.state),
        row.cause,
        row.evidence,
    )
