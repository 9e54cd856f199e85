"""Stream coverage: which rows of each (site, device, epoch) are stored, explained, lost or still open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Row, Select, Subquery, case, cast, func, select

from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import device, site, stream, truth_dirty, truth_progress

GAPS_LIMIT = 200
"""How many gaps of a stream are listed; the counts always cover all of them."""


class GapState(StrEnum):
    """What is known of a gap: may still come, is accounted for by the agent, or will not come."""

    OPEN = "open"
    EXPLAINED = "explained"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers that are not stored, both ends included."""

    first_seq: int
    last_seq: int
    state: GapState


@dataclass(frozen=True, slots=True)
class Stream:
    """Coverage of one outbox. `last_seq` is the highest known, from rows and from births.

    All up to `contiguous_seq` is stored, explained or lost; `contiguous_event_ms` is the event time there.
    """

    site: str
    device: str
    epoch: str
    first_seq: int
    last_seq: int
    stored_rows: int
    explained_rows: int
    lost_rows: int
    open_rows: int
    contiguous_seq: int | None
    contiguous_event_ms: int | None
    updated_at_ms: int
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what a site's agents recorded has arrived, over all its streams."""

    site: str
    stored_rows: int
    explained_rows: int
    lost_rows: int
    open_rows: int

    @property
    def expected_rows(self) -> int:
        """Every row that was given a sequence number."""
        return self.stored_rows + self.explained_rows + self.lost_rows + self.open_rows

    @property
    def ratio(self) -> float | None:
        """Stored rows over expected ones, None where nothing is expected."""
        return self.stored_rows / self.expected_rows if self.expected_rows else None


def upsert_streams(unit: Unit, rows: Sequence[Stream]) -> None:
    """Replace the coverage of these streams, except where what is stored was updated later."""
    if not rows:
        return
    statement = insert(unit, stream)
    key = ("site", "device", "epoch")
    statement = statement.on_conflict_do_update(
        index_elements=key,
        set_={c.name: statement.excluded[c.name] for c in stream.c if c.name not in key},
        where=stream.c.updated_at_ms <= statement.excluded.updated_at_ms,
    )
    ordered = sorted(rows, key=lambda row: (row.site, row.device, row.epoch))
    unit.connection.execute(statement, [_columns(row) for row in ordered])


def streams_of(unit: Unit, site_id: str) -> tuple[Stream, ...]:
    """Return the coverage of every stream of a site."""
    mine = select(stream).where(stream.c.site == site_id).order_by(stream.c.device, stream.c.epoch)
    return tuple(_stream(row) for row in unit.connection.execute(mine))


def list_completeness(
    unit: Unit,
    *,
    after: str | None = None,
    limit: int = 100,
    simulated: bool | None = None,
    sites: Collection[str] | None = None,
) -> tuple[Completeness, ...]:
    """Return the completeness of the sites that have streams, by id, from behind `after`.

    `sites`: only these; None is every site.
    """
    chosen = (
        select(site.c.id)
        .where(select(stream.c.epoch).where(stream.c.site == site.c.id).exists())
        .order_by(site.c.id)
        .limit(limit)
    )
    if after is not None:
        chosen = chosen.where(site.c.id > after)
    if simulated is not None:
        chosen = chosen.where(site.c.simulated == simulated)
    if sites is not None:
        chosen = chosen.where(site.c.id.in_(sites))
    sums = stream_sums(select(chosen.subquery().c.id))
    wanted = select(sums).order_by(sums.c.site)
    return tuple(completeness_of(row) for row in unit.connection.execute(wanted))


def completeness_of(row: Row[Any]) -> Completeness:
    """Return the completeness whose sums are in `row`."""
    return Completeness(
        row.site,
        int(row.stored_rows or 0),
        int(row.explained_rows or 0),
        int(row.lost_rows or 0),
        int(row.open_rows or 0),
    )


def stream_sums(sites: Select[tuple[str]]) -> Subquery:
    """Return a subquery of these sites' row counts and of the event time they are settled to.

    `settled_until_ms`: where the primary device's rows are open, the event time before the first of them; else
    its newest. Not beyond what has been judged, where truth is settled at all.
    """
    primary = (device.c.site == stream.c.site) & (device.c.id == stream.c.device) & device.c.is_primary
    event_ms = case((device.c.id.is_not(None), stream.c.contiguous_event_ms))
    blocked = case((stream.c.open_rows > 0, event_ms))
    counts = (stream.c.stored_rows, stream.c.explained_rows, stream.c.lost_rows, stream.c.open_rows)
    heard = (
        select(
            stream.c.site,
            *(func.sum(count).label(count.name) for count in counts),
            func.coalesce(func.min(blocked), func.max(event_ms)).label("heard_until_ms"),
        )
        .select_from(stream.outerjoin(device, primary))
        .where(stream.c.site.in_(sites))
        .group_by(stream.c.site)
        .subquery("heard_sums")
    )
    until, judged = heard.c.heard_until_ms, _judged_until()
    earlier = case((judged.c.judged_ms < until, judged.c.judged_ms), else_=until)
    counted = (heard.c[count.name] for count in counts)
    return (
        select(heard.c.site, *counted, earlier.label("settled_until_ms"))
        .select_from(heard.outerjoin(judged, judged.c.site == heard.c.site))
        .subquery("sums")
    )


def _judged_until() -> Subquery:
    """Return, by site, how far its truth has been judged: not beyond a day that is to be judged again.

    The day that goes on is judged again all the time, and does not hold it back.
    """
    table = truth_progress
    again = (
        select(truth_dirty.c.site, func.min(truth_dirty.c.day).label("day"))
        .group_by(truth_dirty.c.site)
        .subquery("again")
    )
    start_ms = cast(again.c.day, BigInteger) * DAY_MS
    before = case((start_ms + DAY_MS <= table.c.judged_until_ms, start_ms), else_=table.c.judged_until_ms)
    joined = table.outerjoin(again, again.c.site == table.c.site)
    return select(table.c.site, before.label("judged_ms")).select_from(joined).subquery("judged")


def _columns(row: Stream) -> dict[str, Any]:
    gaps = [[gap.first_seq, gap.last_seq, gap.state.value] for gap in row.gaps[-GAPS_LIMIT:]]
    return {c.name: getattr(row, c.name) for c in stream.c if c.name != "gaps"} | {"gaps": gaps}


def _stream(row: Row[Any]) -> Stream:
    columns = dict(row._mapping)
    columns["gaps"] = tuple(Gap(first, last, GapState(state)) for first, last, state in row.gaps)
    return Stream(**columns)
