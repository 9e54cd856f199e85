"""When collectors were away, by their own reports: what could not be heard then is no site's fault."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import collector_outage, collector_status

MISSED_MS = 60_000
"""A collector reports every few seconds: longer without a report, and it was away."""

PUT_RIGHT_MS = 10_000
"""A report this much older than the last is no late one: the collector's clock was ahead and was put right."""

Span = tuple[int, int]


def note_outage(unit: Unit, collector: str, reported_ms: int) -> None:
    """Keep the time since the collector's last report as an outage, if it was away or without a broker.

    Call it before the new report replaces the last one.
    """
    wanted = select(collector_status.c.reported_ms, collector_status.c.connected)
    last = unit.connection.execute(wanted.where(collector_status.c.collector == collector)).first()
    if last is None:
        return
    if reported_ms < last.reported_ms - PUT_RIGHT_MS:
        _cut(unit, collector, reported_ms)
    if reported_ms <= last.reported_ms or (last.connected and reported_ms - last.reported_ms <= MISSED_MS):
        return
    table = collector_outage
    # Where several end with the last report they are one by now: the longest goes on.
    mine = (table.c.collector == collector, table.c.to_ms == last.reported_ms)
    before = unit.connection.execute(select(func.min(table.c.from_ms)).where(*mine)).scalar_one()
    from_ms = last.reported_ms if before is None else before
    statement = insert(unit, table)
    statement = statement.on_conflict_do_update(
        index_elements=["collector", "from_ms"], set_={"to_ms": statement.excluded.to_ms}
    )
    unit.connection.execute(statement, {"collector": collector, "from_ms": from_ms, "to_ms": reported_ms})


def outages_between(unit: Unit, from_ms: int, to_ms: int) -> tuple[Span, ...]:
    """Return when no collector was there, in order: an outage of one while another was there is none."""
    names = set(unit.connection.execute(select(collector_status.c.collector)).scalars())
    table = collector_outage
    touching = (table.c.from_ms < to_ms, table.c.to_ms > from_ms)
    rows = unit.connection.execute(select(table).where(*touching).order_by(table.c.from_ms)).all()
    common: list[Span] = [(from_ms, to_ms)]
    for name in names | {row.collector for row in rows}:
        mine = [(row.from_ms, row.to_ms) for row in rows if row.collector == name]
        common = [
            (max(low, start), min(high, end))
            for low, high in common
            for start, end in mine
            if max(low, start) < min(high, end)
        ]
    return tuple(sorted(common)) if rows else ()


def trim_outages(unit: Unit, before_ms: int) -> int:
    """Delete outages that ended before a moment, and say how many."""
    return unit.connection.execute(delete(collector_outage).where(collector_outage.c.to_ms < before_ms)).rowcount


def _cut(unit: Unit, collector: str, now_ms: int) -> None:
    """Take back what was noted of a time that has not come yet, by a clock that was ahead."""
    table = collector_outage
    unit.connection.execute(delete(table).where(table.c.collector == collector, table.c.from_ms >= now_ms))
    late = (table.c.collector == collector, table.c.to_ms > now_ms)
    unit.connection.execute(update(table).where(*late).values(to_ms=now_ms))
