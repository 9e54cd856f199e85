"""Villages: the same rows in any number of pieces."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.model.catalogue import CATALOGUE, Kind
from aldea.model.columns import Block, decode_columns
from aldea.model.wire import MAX_MESSAGE_BYTES, decode
from aldea.simulator.fleet import SimulatedSite, registrations
from aldea.simulator.plan import DAY_MS, HOUR_MS, Plan, plan_ending_at
from aldea.simulator.village import Village
from simulator.told import EVERY_STORY, NOW_MS, ONE_OF_EACH, PLAN, batches, messages, pieces, rows


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


def test_how_long_forty_days_of_all_villages_take() -> None:
    began, count = time.process_time(), 0
    for site in registrations():
        count += sum(piece.rows for piece in pieces(Village(site, PLAN), NOW_MS))
    generated = time.process_time()
    size = sum(len(message) for site in registrations()[:8] for message in messages(Village(site, PLAN), NOW_MS))
    print(f"{count:,} rows made in {generated - began:.2f} s; 8 villages encoded are {size:,} bytes")
    assert count > 1_900_000
