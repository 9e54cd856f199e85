"""The fleet against a real broker: greeting, history, live rows, lost answers, cuts, restarts."""

from __future__ import annotations

import time

import pytest

from aldea.model.clock import ClockState, ManualClock
from aldea.model.topics import Lane
from aldea.simulator.fleet import registrations
from aldea.simulator.plan import DAY_MS, HOUR_MS, MINUTE_MS, plan_ending_at
from aldea.simulator.village import Village
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually
from simulator.mini_collector import MiniCollector
from simulator.running import NOW_MS, SEED, fleet_of, sites_with

pytestmark = pytest.mark.mosquitto


def test_history_arrives_whole_by_the_bulk_lane_after_the_hello_then_live_rows_follow(mosquitto: Mosquitto) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 5)
    sites = sites_with("steady", "idle", "counter_reset")
    with MiniCollector(mosquitto.host, mosquitto.port, clock) as collector:
        with fleet_of(mosquitto, sites, plan, clock) as running:
            eventually(running.caught_up)
            for site in sites:
                assert collector.rows_of(site.id) == Village(site, plan).last_seq(NOW_MS) > 3_000
            assert collector.early == 0
            assert {lane for lane, batch in collector.received if batch.header.rows > 40} == {Lane.BULK}
            assert [lane for lane, _ in collector.received].count(Lane.LIVE) == len(sites)
            assert max(batch.header.rows for _, batch in collector.received) <= 2_000
            before = len(collector.received)
            clock.advance(6 * MINUTE_MS)
            eventually(lambda: {b.header.site for _, b in collector.received[before:]} == {s.id for s in sites})
            assert {lane for lane, _ in collector.received[before:]} == {Lane.LIVE}
            for site in sites:
                assert collector.rows_of(site.id) == Village(site, plan).last_seq(clock.wall_ms())
        eventually(lambda: {will.site for will in collector.wills} == {site.id for site in sites})
        assert {will.reason for will in collector.wills} == {"stopped"}


def test_a_batch_whose_answer_was_lost_is_sent_again_and_none_is_skipped(mosquitto: Mosquitto) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 3)
    [site] = sites_with("idle")
    with (
        MiniCollector(mosquitto.host, mosquitto.port, clock, lose_answers=2) as collector,
        fleet_of(mosquitto, [site], plan, clock) as running,
    ):
        for lost in (1, 2):
            eventually(lambda lost=lost: collector.lost == lost)  # type: ignore[misc]  # mypy cannot type the default
            assert not running.caught_up()
            clock.advance(MINUTE_MS)
        eventually(running.caught_up)
        firsts = [batch.header.first_seq for _, batch in collector.received[:3]]
        assert firsts == [1, 1, 1]
        assert collector.known[site.id].contiguous_from(1) == collector.rows_of(site.id)


def test_after_five_times_without_an_answer_a_batch_is_split(mosquitto: Mosquitto) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 3)
    [site] = sites_with("idle")
    with (
        MiniCollector(mosquitto.host, mosquitto.port, clock, lose_answers=5) as collector,
        fleet_of(mosquitto, [site], plan, clock) as running,
    ):
        eventually(lambda: collector.lost == 1)
        while collector.lost < 5:
            clock.advance(MINUTE_MS)
            time.sleep(0.05)
        while len(collector.received) < 6:
            clock.advance(MINUTE_MS)
            time.sleep(0.05)
        assert {batch.header.rows for _, batch in collector.received[:5]} == {collector.received[0][1].header.rows}
        assert collector.received[5][1].header.rows == collector.received[0][1].header.rows // 2
        eventually(running.caught_up)


def test_a_fleet_started_again_goes_on_where_the_collector_is_and_fills_in_the_time_between(
    mosquitto: Mosquitto,
) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 3)
    sites = sites_with("flapping", "power", "bad_clock")
    with MiniCollector(mosquitto.host, mosquitto.port, clock) as collector:
        with fleet_of(mosquitto, sites, plan, clock) as running:
            eventually(running.caught_up)
        before = len(collector.received)
        clock.advance(2 * DAY_MS)
        with fleet_of(mosquitto, sites, plan, clock) as running:
            eventually(running.caught_up)
        for site in sites:
            village = Village(site, plan)
            again = [b.header for _, b in collector.received[before:] if b.header.site == site.id and b.header.rows]
            seen = [b.header for _, b in collector.received[:before] if b.header.site == site.id and b.header.rows]
            assert again[0].first_seq == seen[-1].last_seq + 1
            assert {header.epoch for header in (*seen, *again)} == {village.epoch}
            since = village.unheard_since(clock.wall_ms())
            assert collector.rows_of(site.id) == village.last_seq(since or clock.wall_ms())


def test_a_village_cut_off_falls_silent_its_will_is_spoken_and_its_rows_come_late(mosquitto: Mosquitto) -> None:
    plan = plan_ending_at(NOW_MS, SEED, 2)
    site = next(site for site in registrations() if site.id == "sim-gro-cochoapa-el-grande")
    village = Village(site, plan)
    cut = village.unheard_since(NOW_MS)
    assert cut is not None
    assert cut < NOW_MS - HOUR_MS
    clock = ManualClock(cut - HOUR_MS)
    with (
        MiniCollector(mosquitto.host, mosquitto.port, clock) as collector,
        fleet_of(mosquitto, [site], plan, clock) as running,
    ):
        eventually(lambda: bool(collector.births) and running.caught_up())
        clock.advance(NOW_MS - clock.wall_ms())
        eventually(lambda: bool(collector.wills))
        assert collector.wills[0].reason == "lost"
        eventually(lambda: collector.rows_of(site.id) == village.last_seq(cut))
        assert village.last_seq(cut) < village.last_seq(NOW_MS)
        before = len(collector.received)
        clock.advance(26 * MINUTE_MS)
        eventually(lambda: collector.rows_of(site.id) == village.last_seq(clock.wall_ms()))
        assert len(collector.births) == 2
        assert collector.births[1].connection > collector.births[0].connection
        late = [lane for lane, batch in collector.received[before:] if batch.header.rows]
        assert late == [Lane.BULK, Lane.LIVE], "the backlog first, the newest rows as a sign of life"


def test_a_village_that_was_cut_off_before_the_start_is_not_born_but_its_past_arrives(mosquitto: Mosquitto) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 2)
    site = next(site for site in registrations() if site.id == "sim-gro-cochoapa-el-grande")
    village = Village(site, plan)
    cut = village.unheard_since(NOW_MS)
    assert cut is not None
    with (
        MiniCollector(mosquitto.host, mosquitto.port, clock) as collector,
        fleet_of(mosquitto, [site], plan, clock) as running,
    ):
        eventually(running.caught_up)
        assert collector.rows_of(site.id) == village.last_seq(cut)
        assert (collector.births, collector.wills) == ([], [])
        assert {lane for lane, _ in collector.received} == {Lane.BULK}


def test_the_bad_clock_learns_the_time_from_the_hello(mosquitto: Mosquitto) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 3)
    [site] = sites_with("bad_clock")
    running_boot = Village(site, plan).boots(NOW_MS)[-1]
    with (
        MiniCollector(mosquitto.host, mosquitto.port, clock) as collector,
        fleet_of(mosquitto, [site], plan, clock) as running,
    ):
        eventually(running.caught_up)
        assert collector.births[0].clock is ClockState.UNSYNCED
        assert collector.births[0].anchor is None
        assert abs(collector.births[0].wall_ms - NOW_MS) > DAY_MS
        headers = [batch.header for _, batch in collector.received]
        current = [header.anchor for header in headers if header.boot_id == running_boot.id]
        assert current
        for anchor in current:
            assert anchor is not None
            assert anchor.source == "server"
            assert abs(anchor.offset_ms - running_boot.start_ms) <= anchor.error_ms
        assert any(header.anchor is None for header in headers), "one past boot never knew the time"
