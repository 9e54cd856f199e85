"""Villages: the same rows in any number of pieces, and rows that agree with the truth."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.model.catalogue import CATALOGUE, Kind
from aldea.model.columns import Batch, Block, Ints, decode_columns
from aldea.model.counters import counter_delta
from aldea.model.sample import Row
from aldea.model.wire import MAX_MESSAGE_BYTES, decode
from aldea.simulator.fleet import SimulatedSite, registrations
from aldea.simulator.plan import DAY_MS, HOUR_MS, MINUTE_MS, Plan, plan_ending_at
from aldea.simulator.stories import BOX_OFF, UNHEARD, Truth
from aldea.simulator.village import Piece, Village, truth

NOW_MS = 1_764_000_000_000
PLAN = plan_ending_at(NOW_MS, 7, 40)
ONE_OF_EACH = {site.story: site for site in registrations()}
EVERY_STORY = pytest.mark.parametrize("site", ONE_OF_EACH.values(), ids=ONE_OF_EACH.keys())


def pieces(village: Village, until_ms: int, first_seq: int = 1, most: int = 2_000) -> Iterator[Piece]:
    while (piece := village.piece(first_seq, until_ms, most)) is not None:
        yield piece
        first_seq = piece.last_seq + 1


def messages(village: Village, until_ms: int, first_seq: int = 1, most: int = 2_000) -> list[bytes]:
    return [
        village.message(piece, village.anchor(piece.boot, until_ms), until_ms)
        for piece in pieces(village, until_ms, first_seq, most)
    ]


@cache
def batches(site: SimulatedSite) -> tuple[Batch, ...]:
    return tuple(decode_columns(message) for message in messages(Village(site, PLAN), NOW_MS))


def rows(village: Village, until_ms: int, first_seq: int = 1, most: int = 2_000) -> list[tuple[str, Row]]:
    found: list[tuple[str, Row]] = []
    for message in messages(village, until_ms, first_seq, most):
        batch = decode_columns(message)
        found += [(batch.header.boot_id, row) for row in batch.rows()]
    return found


def series(
    site: SimulatedSite, measurement: str, column: str, **tags: str
) -> tuple[Ints, Ints, np.ndarray[tuple[int], np.dtype[np.bool_]], Ints]:
    """Return wall times, values, presence and boot numbers of one column over the whole history."""
    village = Village(site, PLAN)
    starts = {boot.id: boot.start_ms for boot in village.boots(NOW_MS)}
    parts = []
    for batch in batches(site):
        for block in batch.blocks:
            if block.spec.measurement != measurement or not tags.items() <= dict(block.spec.tags).items():
                continue
            found = block.column(column)
            numbers = np.zeros(block.spec.rows, np.int64) if found is None else found[1]
            present = np.full(block.spec.rows, found is not None)
            if found is not None and found[2] is not None:
                present = found[2]
            times = block.mono_ms + starts[batch.header.boot_id]
            parts.append((times, numbers, present, np.full(len(times), batch.header.boot_no)))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return joined[0], joined[1], joined[2], joined[3]


@EVERY_STORY
def test_seqs_have_no_gaps_and_the_last_is_what_the_village_says(site: SimulatedSite) -> None:
    village = Village(site, PLAN)
    expected = 1
    for batch in batches(site):
        assert batch.header.first_seq == expected
        expected = batch.header.last_seq + 1
    assert expected - 1 == village.last_seq(NOW_MS) > 500


@settings(max_examples=25)
@given(
    story=st.sampled_from(sorted(ONE_OF_EACH)),
    seed=st.integers(0, 2**31),
    stop=st.integers(1, 4 * DAY_MS),
    more=st.integers(0, 2 * DAY_MS),
    most=st.integers(3, 700),
)
def test_two_runs_one_after_the_other_give_what_one_run_gives(
    story: str, seed: int, stop: int, more: int, most: int
) -> None:
    plan = Plan(seed, NOW_MS, 3)
    site = ONE_OF_EACH[story]
    first_end, end = NOW_MS + stop, NOW_MS + stop + more
    first = rows(Village(site, plan), first_end, most=most)
    then = rows(Village(site, plan), end, first_seq=len(first) + 1, most=most)
    whole = rows(Village(site, plan), end)
    assert [*first, *then] == whole
    assert [row.seq for _, row in whole] == list(range(1, len(whole) + 1))


def test_the_same_plan_gives_the_same_bytes_and_another_seed_other_ones() -> None:
    site = ONE_OF_EACH["flapping"]
    once = messages(Village(site, PLAN), NOW_MS)
    assert once == messages(Village(site, PLAN), NOW_MS)
    other = plan_ending_at(NOW_MS, 8, 40)
    assert Village(site, other).epoch != Village(site, PLAN).epoch
    assert messages(Village(site, other), NOW_MS) != once


def test_another_start_is_another_epoch_so_that_two_fleets_never_mix_their_seqs() -> None:
    site = ONE_OF_EACH["steady"]
    later = plan_ending_at(NOW_MS + HOUR_MS, 7, 40)
    assert Village(site, later).epoch != Village(site, PLAN).epoch
    epochs = {Village(each, PLAN).epoch for each in registrations()}
    assert len(epochs) == 76


@EVERY_STORY
def test_every_batch_can_be_read_both_ways_and_is_within_the_catalogue(site: SimulatedSite) -> None:
    village = Village(site, PLAN)
    for number, message in enumerate(messages(village, NOW_MS)):
        assert len(message) <= MAX_MESSAGE_BYTES
        batch = decode_columns(message)
        assert batch.header.rows <= 2_000
        for block in batch.blocks:
            _within_catalogue(block)
        if number == 0:
            assert decode(message) == (batch.header, batch.rows())


def _within_catalogue(block: Block) -> None:
    entry = CATALOGUE[block.spec.measurement]
    assert {key for key, _ in block.spec.tags} == set(entry.tags)
    for column in block.spec.columns:
        field, found = entry.field(column.name), block.column(column.name)
        assert field is not None, column.name
        assert found is not None
        code = {Kind.REAL: str(field.decimals), Kind.INTEGER: "i", Kind.FLAG: "b", Kind.TEXT: "s"}[field.kind]
        assert column.code == code
        if field.kind in {Kind.REAL, Kind.INTEGER}:
            scale = 10 ** int(code) if code != "i" else 1
            numbers = found[1] if found[2] is None else found[1][found[2]]
            assert field.minimum is None or numbers.min() >= field.minimum * scale
            assert field.maximum is None or numbers.max() <= field.maximum * scale


def _covered(times: Ints, site: SimulatedSite, *kinds: Truth) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside = np.zeros(len(times), np.bool_)
    for span in truth(site, PLAN, PLAN.start_ms, NOW_MS):
        if span.truth in kinds:
            inside |= (times >= span.start_ms) & (times < span.end_ms)
    return inside


@EVERY_STORY
def test_truth_has_no_gaps_and_no_overlaps_and_does_not_change_with_the_window(site: SimulatedSite) -> None:
    spans = truth(site, PLAN, PLAN.start_ms, NOW_MS)
    assert spans[0].start_ms == PLAN.start_ms
    assert spans[-1].end_ms == NOW_MS
    assert all(a.end_ms == b.start_ms for a, b in pairwise(spans))
    assert all(span.start_ms < span.end_ms for span in spans)
    middle = PLAN.start_ms + 17 * DAY_MS + 12345
    again = [*truth(site, PLAN, PLAN.start_ms, middle), *truth(site, PLAN, middle, NOW_MS)]
    assert [s.truth for s in again if s.start_ms != middle] == [s.truth for s in spans]


@EVERY_STORY
def test_without_power_there_are_no_rows_and_with_it_there_are_all(site: SimulatedSite) -> None:
    times, *_ = series(site, "ping", "sent", role="anchor")
    assert not _covered(times, site, *BOX_OFF).any()
    boots = Village(site, PLAN).boots(NOW_MS)
    expected = sum(boot.end_slot - boot.first_slot for boot in boots if boot.rows)
    assert len(times) == expected
    on = sum(
        span.end_ms - span.start_ms for span in truth(site, PLAN, PLAN.start_ms, NOW_MS) if span.truth not in BOX_OFF
    )
    assert abs(len(times) * 5 * MINUTE_MS - on) <= 7 * MINUTE_MS * (len(boots) + 1)


@EVERY_STORY
def test_while_the_backhaul_is_cut_the_anchor_fails_and_the_gateway_answers(site: SimulatedSite) -> None:
    times, received, _, _ = series(site, "ping", "received", role="anchor")
    cut = _covered(times, site, Truth.BACKHAUL)
    assert (received[cut] == 0).all()
    assert received[~cut].mean() > 2.3
    _, _, failed, _ = series(site, "ping", "failure", role="anchor")
    assert (failed == (received == 0)).all()
    _, answers, _, _ = series(site, "ping", "received", role="gateway")
    assert (answers == 3).all()
    assert cut.any() or site.story not in {"backhaul", "flapping"}


@EVERY_STORY
def test_counters_only_grow_within_a_boot_but_where_they_say_they_were_reset(site: SimulatedSite) -> None:
    _, totals, _, boots = series(site, "interfaces", "rx_bytes_total")
    _, moved, known, _ = series(site, "interfaces", "rx_bytes")
    _, resets, _, _ = series(site, "interfaces", "counter_reset")
    first = np.concatenate([[True], boots[1:] != boots[:-1]])
    assert (known == ~first).all()
    for index in np.flatnonzero(~first):
        expected = counter_delta(int(totals[index - 1]), int(totals[index]))
        assert (int(moved[index]), bool(resets[index])) == expected
    assert (resets.sum() > 3) == (site.story == "counter_reset")


def test_stories_show_in_the_figures() -> None:
    def used(story: str) -> float:
        _, moved, known, _ = series(ONE_OF_EACH[story], "interfaces", "rx_bytes")
        return float(moved[known].mean())

    assert used("idle") < 10_000
    assert used("counter_reset") > 1_000_000
    times, rtt, known, _ = series(ONE_OF_EACH["steady"], "ping", "rtt_avg_seconds", role="anchor")
    assert 0.55e5 < np.median(rtt[known]) < 0.75e5 or ONE_OF_EACH["steady"].technology != "geo"
    evening = ONE_OF_EACH["evening"]
    times, loss, _, _ = series(evening, "ping", "loss_ratio", role="anchor")
    bad = _covered(times, evening, Truth.DEGRADED)
    assert loss[bad].mean() > 5 * loss[~bad].mean()
    dead = Village(ONE_OF_EACH["dead"], PLAN)
    since = dead.unheard_since(NOW_MS)
    assert since is not None
    assert NOW_MS - since > 5 * DAY_MS


@EVERY_STORY
def test_devices_are_counted_by_the_local_day_and_only_while_there_is_power(site: SimulatedSite) -> None:
    counted = [(at, row.fields) for at, row in _timed(site, "clients") if row.fields.get("day") is not None]
    if site.story == "bad_clock":
        assert counted == [], "a box that does not know the day does not count by it"
        return
    assert len(counted) > 300
    before: dict[object, tuple[int, float]] = {}
    village = Village(site, PLAN)
    for at, fields in counted:
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(site.timezone))
        # A day when the clocks change has one offset in the simulator.
        clocks_change = (local - timedelta(days=1)).utcoffset() != (local + timedelta(days=1)).utcoffset()
        assert fields["day"] == local.date().isoformat() or clocks_change
        unique, covered, now = (fields[name] for name in ("unique_today", "covered_seconds", "associated"))
        assert isinstance(unique, int)
        assert isinstance(covered, float)
        assert isinstance(now, int)
        had = before.get(fields["day"], (0, 0.0))
        assert unique >= had[0], "a day's count never shrinks, not even over a power cut"
        assert now <= unique
        off = sum(
            min(span.end_ms, at) - max(span.start_ms, at - round(_since_midnight(local) * 1000))
            for span in village.truth(max(at - round(_since_midnight(local) * 1000), PLAN.start_ms), at)
            if span.truth in BOX_OFF
        )
        if at - _since_midnight(local) * 1000 >= PLAN.start_ms:
            wrong = abs(covered - (_since_midnight(local) - off / 1000))
            assert wrong <= 900 or clocks_change, "observed, less the cuts"
        before[fields["day"]] = (unique, covered)
        assert fields["restarted"] is False


def _timed(site: SimulatedSite, measurement: str) -> list[tuple[int, Row]]:
    starts = {boot.id: boot.start_ms for boot in Village(site, PLAN).boots(NOW_MS)}
    return [
        (starts[batch.header.boot_id] + row.mono_ms, row)
        for batch in batches(site)
        for row in _only(batch, measurement).rows()
    ]


def _only(batch: Batch, measurement: str) -> Batch:
    return replace(batch, blocks=tuple(block for block in batch.blocks if block.spec.measurement == measurement))


def _since_midnight(local: datetime) -> float:
    return local.hour * 3600.0 + local.minute * 60 + local.second


def test_some_villages_are_connected_but_unused_and_their_traffic_says_so_too() -> None:
    unused: list[SimulatedSite] = []
    used: list[SimulatedSite] = []
    for site in registrations():
        if site.story != "steady":
            continue
        most = _busiest_day(site)
        (unused if most <= 2 else used).append(site)
    assert 3 <= len(unused) <= 12
    assert len(used) > 30
    _, quiet, known, _ = series(unused[0], "interfaces", "rx_bytes")
    _, lively, also, _ = series(used[0], "interfaces", "rx_bytes")
    assert quiet[known].mean() * 10 < lively[also].mean()
    assert _busiest_day(used[0]) >= 8


def _busiest_day(site: SimulatedSite) -> int:
    village = Village(site, Plan(7, NOW_MS - 3 * DAY_MS, 3))
    found = (_only(decode_columns(message), "clients") for message in messages(village, NOW_MS))
    return max(int(str(row.fields["unique_today"])) for batch in found for row in batch.rows())


def test_each_boot_begins_with_a_row_that_names_the_one_before() -> None:
    site = ONE_OF_EACH["power"]
    boots = Village(site, PLAN).boots(NOW_MS)
    told = [row for batch in batches(site) for row in batch.rows() if row.measurement == "boot"]
    assert len(told) == len([boot for boot in boots if boot.rows]) > 4
    assert [row.fields.get("previous_boot_id") for row in told] == [boot.previous_id for boot in boots if boot.rows]


def test_rows_of_a_boot_that_never_reached_anybody_have_no_anchor() -> None:
    village = Village(ONE_OF_EACH["bad_clock"], PLAN)
    anchors = [village.anchor(boot, NOW_MS) for boot in village.boots(NOW_MS)]
    assert anchors.count(None) >= 2, "one lost boot, and the running one before the server has answered"
    assert {anchor.source for anchor in anchors if anchor is not None} == {"server"}
    steady = Village(ONE_OF_EACH["steady"], PLAN)
    for boot in steady.boots(NOW_MS):
        anchor = steady.anchor(boot, NOW_MS)
        assert anchor is not None
        assert (anchor.source, anchor.offset_ms) == ("ntp", boot.start_ms)


def test_some_villages_are_in_trouble_when_history_ends_but_most_are_not() -> None:
    now = [truth(site, PLAN, NOW_MS - 1, NOW_MS)[0].truth for site in registrations()]
    assert {Truth.POWER, Truth.BACKHAUL, Truth.PLATFORM} <= set(now)
    assert 5 <= sum(each in UNHEARD for each in now) <= 20
    named = {site.id: each for site, each in zip(registrations(), now, strict=True)}
    assert named["sim-chis-oxchuc"] is named["sim-chis-marques-de-comillas"] is Truth.POWER
    assert named["sim-gro-cochoapa-el-grande"] is named["sim-sin-badiraguato"] is Truth.BACKHAUL
    assert named["sim-camp-calakmul"] is Truth.PLATFORM


def test_how_long_forty_days_of_all_villages_take() -> None:
    began, count = time.process_time(), 0
    for site in registrations():
        count += sum(piece.rows for piece in pieces(Village(site, PLAN), NOW_MS))
    generated = time.process_time()
    size = sum(len(message) for site in registrations()[:8] for message in messages(Village(site, PLAN), NOW_MS))
    print(f"{count:,} rows made in {generated - began:.2f} s; 8 villages encoded are {size:,} bytes")
    assert count > 1_900_000
