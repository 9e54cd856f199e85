"""The feed: one compact event for every batch and every presence message, for the engines that follow.

A collector appends in the order of its journal's positions, so a consumer that keeps one position for each
collector misses nothing. Appending is done again after a crash, and changes nothing then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Row, Select, delete, select
from sqlalchemy import text as sql

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import feed, feed_cursor

FEED_LOCK = 4_715_002
Kind = Literal["batch", "presence"]


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """What a consumer needs to know of a batch or a presence message; the rows stay in the series store.

    `position` is the journal's, from 1. `arrival_ms`: when the collector got it; `event_from_ms` and
    `event_to_ms`: the time its rows cover, None while that is not resolved. `id` is given by the register.
    """

    collector: str
    position: int
    kind: Kind
    site: str
    device: str
    arrival_ms: int
    lane: str
    rows: int = 0
    epoch: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None
    event_from_ms: int | None = None
    event_to_ms: int | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None


def append_feed(unit: Unit, events: Sequence[FeedEvent]) -> int:
    """Append events and return how many were new; one with a known (collector, position, kind) is left out.

    On PostgreSQL appenders take turns until they commit: else an id could become visible after a higher
    one that a reader has already passed. Call it before other writes of the unit, so that two collectors
    can't wait for each other.
    """
    if not events:
        return 0
    if unit.is_postgresql:
        unit.connection.execute(sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": FEED_LOCK})
    statement = insert(unit, feed).on_conflict_do_nothing(index_elements=["collector", "position", "kind"])
    # Without the option the count of a statement with many rows is not kept.
    statement = statement.execution_options(preserve_rowcount=True)
    return unit.connection.execute(statement, [_columns(event) for event in events]).rowcount


def read_feed(unit: Unit, collector: str, after_position: int, limit: int) -> tuple[FeedEvent, ...]:
    """Return a collector's next events after a position, in its order.

    At most `limit`, and one more where a batch and a presence message share the last position, so that
    the last event's position is always safe to keep as the cursor.
    """
    wanted = (
        select(feed)
        .where(feed.c.collector == collector, feed.c.position > after_position)
        .order_by(feed.c.position, feed.c.kind)
    )
    found = _events(unit, wanted.limit(limit + 1))
    if len(found) > limit and found[limit].position != found[limit - 1].position:
        return found[:limit]
    return found


def read_feed_after_id(unit: Unit, after_id: int, limit: int) -> tuple[FeedEvent, ...]:
    """Return the next events of all collectors after a feed id, in the order they were committed."""
    return _events(unit, select(feed).where(feed.c.id > after_id).order_by(feed.c.id).limit(limit))


def newest_feed_id(unit: Unit) -> int:
    """Return the feed's newest id, 0 when it is empty: where a reader starts who wants only what comes."""
    newest = select(feed.c.id).order_by(feed.c.id.desc()).limit(1)
    return int(unit.connection.execute(newest).scalar_one_or_none() or 0)


def last_position(unit: Unit, collector: str) -> int:
    """Return the highest position of this collector in the feed, 0 when there is none."""
    newest = select(feed.c.position).where(feed.c.collector == collector)
    newest = newest.order_by(feed.c.position.desc()).limit(1)
    return int(unit.connection.execute(newest).scalar_one_or_none() or 0)


def feed_collectors(unit: Unit) -> tuple[str, ...]:
    """Return the collectors that are in the feed, whose positions a consumer has to follow."""
    # Jumps from name to name by the index: a DISTINCT would read millions of rows.
    wanted = """
        WITH RECURSIVE found(name) AS (
            SELECT min(collector) FROM feed
            UNION ALL
            SELECT (SELECT min(collector) FROM feed WHERE collector > found.name) FROM found
            WHERE found.name IS NOT NULL
        )
        SELECT name FROM found WHERE name IS NOT NULL
    """
    return tuple(unit.connection.execute(sql(wanted)).scalars())


def trim_feed(unit: Unit, before_ms: int, limit: int = 10_000) -> int:
    """Delete events that arrived before `before_ms`, the oldest `limit` of them, and say how many.

    Call it until it returns less than `limit`, each time in a transaction of its own: writers wait meanwhile.
    """
    oldest = select(feed.c.id).where(feed.c.arrival_ms < before_ms).order_by(feed.c.arrival_ms).limit(limit)
    return unit.connection.execute(delete(feed).where(feed.c.id.in_(oldest))).rowcount


def get_cursor(unit: Unit, consumer: str, collector: str) -> int:
    """Return the position up to which `consumer` has dealt with `collector`'s events; 0 at the start."""
    mine = (feed_cursor.c.consumer == consumer, feed_cursor.c.collector == collector)
    found = unit.connection.execute(select(feed_cursor.c.position).where(*mine)).scalar_one_or_none()
    return int(found or 0)


def get_cursors(unit: Unit, consumer: str) -> Mapping[str, int]:
    """Return `consumer`'s position for every collector, 0 for those it has not read yet."""
    wanted = select(feed_cursor).where(feed_cursor.c.consumer == consumer)
    held = {row.collector: int(row.position) for row in unit.connection.execute(wanted)}
    return dict.fromkeys(feed_collectors(unit), 0) | held


def set_cursor(unit: Unit, consumer: str, collector: str, position: int) -> None:
    """Keep a position; belongs into the transaction that keeps what the events led to."""
    statement = insert(unit, feed_cursor)
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["consumer", "collector"], set_={"position": statement.excluded.position}
        ),
        {"consumer": consumer, "collector": collector, "position": position},
    )


def _columns(event: FeedEvent) -> dict[str, Any]:
    return {
        "collector": event.collector,
        "position": event.position,
        "kind": event.kind,
        "site": event.site,
        "device": event.device,
        "epoch": event.epoch,
        "first_seq": event.first_seq,
        "last_seq": event.last_seq,
        "rows": event.rows,
        "arrival_ms": event.arrival_ms,
        "event_from_ms": event.event_from_ms,
        "event_to_ms": event.event_to_ms,
        "lane": event.lane,
        "summary": event.summary,
    }


def _events(unit: Unit, wanted: Select[Any]) -> tuple[FeedEvent, ...]:
    return tuple(_event(row) for row in unit.connection.execute(wanted))


def _event(row: Row[Any]) -> FeedEvent:
    return FeedEvent(**row._mapping)
