"""Coverage of outboxes that are no longer in use: what was open in them does not stay open for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.storage.register.devices import Device
from aldea.storage.register.replacing import replace_device
from aldea.storage.register.sites import Site, SiteEntry, add_sites
from aldea.storage.register.streams import (
    GONE_AFTER_MS,
    Gap,
    GapState,
    Stream,
    list_completeness,
    streams_of,
    upsert_streams,
)

if TYPE_CHECKING:
    from aldea.storage.register import Register

NOW = 1_790_000_000_000
GAPS = (Gap(3, 4, GapState.EXPLAINED), Gap(6, 10, GapState.OPEN))


def stream(epoch: str, updated_ms: int, open_rows: int = 5) -> Stream:
    gaps = GAPS if open_rows else ()
    return Stream("one", "agent", epoch, 1, 10, 3, 2, 0, open_rows, 5, NOW - 1, updated_ms, gaps)


def site(register: Register, *streams: Stream) -> None:
    with register.transaction() as unit:
        device = Device("one", "agent", "agent", NOW - 2)
        add_sites(unit, [SiteEntry(Site("one", "One", "America/Mexico_City", NOW - 2), NOW - 2, devices=(device,))])
        upsert_streams(unit, streams)


def counts(register: Register) -> list[tuple[int, int, list[str]]]:
    with register.reading() as unit:
        shown = streams_of(unit, "one")
        (whole,) = list_completeness(unit)
    assert whole.lost_rows == sum(row.lost_rows for row in shown)
    assert whole.open_rows == sum(row.open_rows for row in shown)
    return [(row.lost_rows, row.open_rows, [gap.state.value for gap in row.gaps]) for row in shown]


def test_what_is_open_in_a_replaced_outbox_counts_as_lost_once_no_outbox_would_still_keep_it(
    register: Register,
) -> None:
    site(register, stream("old", NOW), stream("new", NOW + GONE_AFTER_MS, 0))
    assert counts(register) == [(0, 0, []), (0, 5, ["explained", "open"])]
    with register.transaction() as unit:
        upsert_streams(unit, [stream("new", NOW + GONE_AFTER_MS + 1, 0)])
    assert counts(register) == [(0, 0, []), (5, 0, ["explained", "lost"])]


def test_a_device_that_is_silent_for_long_loses_nothing_by_it(register: Register) -> None:
    site(register, stream("only", NOW - 2 * GONE_AFTER_MS))
    assert counts(register) == [(0, 5, ["explained", "open"])]


def test_a_lost_disk_is_counted_at_once_and_rows_that_come_all_the_same_count_again(register: Register) -> None:
    site(register, stream("old", NOW))
    with register.transaction() as unit:
        replace_device(unit, "one", "agent", NOW, "test")
    assert counts(register) == [(0, 5, ["explained", "open"])]
    with register.transaction() as unit:
        replace_device(unit, "one", "agent", NOW, "test", disk_lost=True)
    assert counts(register) == [(5, 0, ["explained", "lost"])]
    with register.transaction() as unit:
        upsert_streams(unit, [stream("old", NOW + 1)])
    assert counts(register) == [(0, 5, ["explained", "open"])]
