"""Stream coverage: which rows of each (site, device, epoch) are stored, explained, lost or still open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Row, Select, Subquery, case, cast, func, select

from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import device, site, stream, truth_dirty

GAPS_LIMIT = 200
"""How many gaps of a stream are listed; the counts always cover all of them."""

REPLACED_AFTER_MS = DAY_MS
"""A device's outbox that is silent for so long while another one of the same device delivers has been replaced."""

GONE_AFTER_MS = 35 * DAY_MS
"""No outbox keeps rows for as long: what was open in a replaced one by then does not come any more."""

DAY_OPEN_MS = 2 * 60 * 60 * 1000
"""So long after its end a day is still being filled."""


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
    found = tuple(_stream(row) for row in unit.connection.execute(mine))
    latest: dict[str, int] = {}
    for row in found:
        latest[row.device] = max(latest.get(row.device, 0), row.updated_at_ms)
    return tuple(_lost(row) if row.updated_at_ms < latest[row.device] - GONE_AFTER_MS else row for row in found)


def give_up_streams(unit: Unit, site_id: str, device_id: str) -> int:
    """Count as lost what is still open of a device whose disk is lost; return how many rows.

    Should they arrive all the same, the collector says so, and they are stored as ever.
    """
    mine = select(stream).where(stream.c.site == site_id, stream.c.device == device_id, stream.c.open_rows > 0)
    given_up = [_stream(row) for row in unit.connection.execute(mine)]
    upsert_streams(unit, [_lost(row) for row in given_up])
    return sum(row.open_rows for row in given_up)


def _lost(row: Stream) -> Stream:
    gaps = tuple(replace(gap, state=GapState.LOST) if gap.state is GapState.OPEN else gap for gap in row.gaps)
    return replace(row, lost_rows=row.lost_rows + row.open_rows, open_rows=0, gaps=gaps)


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
    its newest. Not beyond a day that is over and waits to be judged again.
    """
    primary = (device.c.site == stream.c.site) & (device.c.id == stream.c.device) & device.c.is_primary
    latest = func.max(stream.c.updated_at_ms).over(partition_by=(stream.c.site, stream.c.device))
    gone = case((stream.c.updated_at_ms < latest - GONE_AFTER_MS, stream.c.open_rows), else_=0)
    counts = (
        stream.c.stored_rows,
        stream.c.explained_rows,
        (stream.c.lost_rows + gone).label("lost_rows"),
        (stream.c.open_rows - gone).label("open_rows"),
    )
    each = (
        select(
            stream.c.site,
            *counts,
            case((device.c.id.is_not(None), stream.c.contiguous_event_ms)).label("event_ms"),
            # Another card is in its place: what this one still held does not come any more.
            (stream.c.updated_at_ms < latest - REPLACED_AFTER_MS).label("replaced"),
        )
        .select_from(stream.outerjoin(device, primary))
        .where(stream.c.site.in_(sites))
        .subquery("each_stream")
    )
    blocked = case(((each.c.open_rows > 0) & ~each.c.replaced, each.c.event_ms))
    heard = (
        select(
            each.c.site,
            *(func.sum(each.c[count.name]).label(count.name) for count in counts),
            func.coalesce(func.min(blocked), func.max(each.c.event_ms)).label("heard_until_ms"),
        )
        .group_by(each.c.site)
        .subquery("heard_sums")
    )
    until, again = heard.c.heard_until_ms, _judged_again_from(sites)
    # A day that goes on is judged again all the time, and does not hold it back.
    is_over = again.c.from_ms + DAY_MS + DAY_OPEN_MS <= until
    counted = (heard.c[count.name] for count in counts)
    return (
        select(heard.c.site, *counted, case((is_over, again.c.from_ms), else_=until).label("settled_until_ms"))
        .select_from(heard.outerjoin(again, again.c.site == heard.c.site))
        .subquery("sums")
    )


def _judged_again_from(sites: Select[tuple[str]]) -> Subquery:
    """Return, by site, the start of the first day that is to be judged again."""
    first = cast(func.min(truth_dirty.c.day), BigInteger) * DAY_MS
    wanted = select(truth_dirty.c.site, first.label("from_ms")).where(truth_dirty.c.site.in_(sites))
    return wanted.group_by(truth_dirty.c.site).subquery("again")


def _columns(row: Stream) -> dict[str, Any]:
    gaps = [[gap.first_seq, gap.last_seq, gap.state.value] for gap in row.gaps[-GAPS_LIMIT:]]
    return {c.name: getattr(row, c.name) for c in stream.c if c.name != "gaps"} | {"gaps": gaps}


def _stream(row: Row[Any]) -> Stream:
    columns = dict(row._mapping)
    columns["gaps"] = tuple(Gap(first, last, GapState(state)) for first, last, state in row.gaps)
    return Stream(**columns)
