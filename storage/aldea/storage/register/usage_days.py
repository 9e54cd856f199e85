"""Daily counts of devices: the evidence of use, a row for each local day and revision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, cast

from sqlalchemy import Row, func, select
from sqlalchemy import insert as plain_insert

from aldea.storage.register.known import known_sites
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks, insert
from aldea.storage.register.tables import usage_day

Status = Literal["A", "U", "O", "L", "M"]
"""As in SDMX: normal, low reliability, withheld, not collected, cannot exist."""


@dataclass(frozen=True, slots=True)
class UsageDay:
    """How many devices used a site on a local day.

    `unique_devices` is None where it is withheld (`O`, less than half of the day was seen) or not collected
    (`L`, the box can't see clients). `covered_ratio`: observed over expected time, None where it is not known.
    """

    site: str
    day: date
    unique_devices: int | None
    covered_ratio: float | None
    status: Status
    revision: int = 1
    computed_ms: int = 0
    positions: Mapping[str, int] = field(default_factory=dict)


def read_usage_days(unit: Unit, sites: Collection[str], first_day: date, last_day: date) -> tuple[UsageDay, ...]:
    """Return the newest revision of each day from `first_day` to `last_day`, both included, by site and day.

    A day without a row was never told of: it is missing, not zero.
    """
    found: list[UsageDay] = []
    for chunk in chunks(sorted(set(sites))):
        newest = (
            select(usage_day.c.site, usage_day.c.day, func.max(usage_day.c.revision).label("revision"))
            .where(usage_day.c.site.in_(chunk), usage_day.c.day.between(first_day, last_day))
            .group_by(usage_day.c.site, usage_day.c.day)
            .subquery()
        )
        same = (usage_day.c.site == newest.c.site) & (usage_day.c.day == newest.c.day)
        wanted = select(usage_day).join(newest, same & (usage_day.c.revision == newest.c.revision))
        rows = unit.connection.execute(wanted.order_by(usage_day.c.site, usage_day.c.day))
        found += [_usage_day(row) for row in rows]
    return tuple(found)


def usage_day_revisions(unit: Unit, site: str, day: date) -> tuple[UsageDay, ...]:
    """Return every revision of a site's day, oldest first."""
    mine = (usage_day.c.site == site, usage_day.c.day == day)
    rows = unit.connection.execute(select(usage_day).where(*mine).order_by(usage_day.c.revision))
    return tuple(_usage_day(row) for row in rows)


def write_usage_days(unit: Unit, days: Sequence[tuple[UsageDay, bool]]) -> None:
    """Keep days, each with whether it is still open: replaced while it is, a new revision after, if it changed.

    Sites that have left are passed over.
    """
    keys = known_sites(unit, {item.site for item, _ in days})
    days = [(item, is_open) for item, is_open in days if item.site in keys]
    if not days:
        return
    first, last = min(item.day for item, _ in days), max(item.day for item, _ in days)
    latest = {(row.site, row.day): row for row in read_usage_days(unit, keys, first, last)}
    for item, is_open in days:
        held = latest.get((item.site, item.day))
        if held is None:
            _insert(unit, item)
        elif is_open:
            _replace(unit, replace(item, revision=held.revision))
        elif _said(held) != _said(item):
            _insert(unit, replace(item, revision=held.revision + 1))


def _said(item: UsageDay) -> tuple[object, ...]:
    return item.unique_devices, item.covered_ratio, item.status


def _insert(unit: Unit, item: UsageDay) -> None:
    unit.connection.execute(plain_insert(usage_day).values(**_columns(item)))


def _replace(unit: Unit, item: UsageDay) -> None:
    statement = insert(unit, usage_day)
    key = ("site", "day", "revision")
    statement = statement.on_conflict_do_update(
        index_elements=key, set_={c.name: statement.excluded[c.name] for c in usage_day.c if c.name not in key}
    )
    unit.connection.execute(statement, _columns(item))


def _columns(item: UsageDay) -> dict[str, Any]:
    return {c.name: getattr(item, c.name) for c in usage_day.c} | {"positions": dict(item.positions)}


def _usage_day(row: Row[Any]) -> UsageDay:
    return UsageDay(
        row.site,
        row.day,
        row.unique_devices,
        row.covered_ratio,
        cast("Status", row.status),
        row.revision,
        row.computed_ms,
        dict(row.positions),
    )
