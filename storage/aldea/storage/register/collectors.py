"""The collectors' own reports: are they connected, when did they last commit, how far are their followers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import or_, select

from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.outages import PUT_RIGHT_MS, note_outage
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import collector_status

ERROR_LIMIT = 500


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """What one collector last said of itself. Times are milliseconds since 1970 by its clock.

    `last_commit_ms`: its journal's newest commit, None before the first. Positions are the journal's, and how
    far the series store and the feed have followed it. `counters` count since the journal was made;
    `quarantine` counts by reason. `series_error`: why the series store does not take rows now.
    """

    collector: str
    reported_ms: int
    connected: bool
    last_commit_ms: int | None = None
    journal_position: int = 0
    series_position: int = 0
    feed_position: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    quarantine: Mapping[str, int] = field(default_factory=dict)
    series_error: str | None = None


def upsert_collector_status(unit: Unit, status: CollectorStatus) -> None:
    """Replace what is known of this collector, unless a later report is stored; note it if it had been away.

    A report that is stored and lies further ahead than any late one could be was written by a wrong clock.
    """
    note_outage(unit, status.collector, status.reported_ms)
    error = status.series_error
    statement = insert(unit, collector_status)
    statement = statement.on_conflict_do_update(
        index_elements=["collector"],
        set_={c.name: statement.excluded[c.name] for c in collector_status.c if c.name != "collector"},
        where=or_(
            collector_status.c.reported_ms <= statement.excluded.reported_ms,
            collector_status.c.reported_ms > statement.excluded.reported_ms + PUT_RIGHT_MS,
        ),
    )
    columns = {c.name: getattr(status, c.name) for c in collector_status.c}
    columns |= {
        "counters": plain(dict(status.counters)),
        "quarantine": plain(dict(status.quarantine)),
        "series_error": None if error is None else clean_text(error)[:ERROR_LIMIT],
    }
    unit.connection.execute(statement, columns)


def collector_statuses(unit: Unit) -> tuple[CollectorStatus, ...]:
    """Return what every collector last said, by name."""
    rows = unit.connection.execute(select(collector_status).order_by(collector_status.c.collector))
    return tuple(CollectorStatus(**row._mapping) for row in rows)
