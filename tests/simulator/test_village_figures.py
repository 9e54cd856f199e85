"""Villages: rows that agree with the truth, and figures in which a story shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from aldea.model.columns import Batch, Ints, decode_columns
from aldea.model.counters import counter_delta
from aldea.model.sample import Row
from aldea.simulator.fleet import SimulatedSite, registrations
from aldea.simulator.plan import DAY_MS, MINUTE_MS, Plan
from aldea.simulator.stories import BOX_OFF, UNHEARD, Truth
from aldea.simulator.village import Village, truth
from simulator.told import EVERY_STORY, NOW_MS, ONE_OF_EACH, PLAN, batches, messages, series


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


def test_some_villages_are_in_trouble_when_history_ends_but_most_are_not() -> None:
    now = [truth(site, PLAN, NOW_MS - 1, NOW_MS)[0].truth for site in registrations()]
    assert {Truth.POWER, Truth.BACKHAUL, Truth.PLATFORM} <= set(now)
    assert 5 <= sum(each in UNHEARD for each in now) <= 20
    named = {site.id: each for site, each in zip(registrations(), now, strict=True)}
    assert named["sim-chis-oxchuc"] is named["sim-chis-marques-de-comillas"] is Truth.POWER
    assert named["sim-gro-cochoapa-el-grande"] is named["sim-sin-badiraguato"] is Truth.BACKHAUL
    assert named["sim-camp-calakmul"] is Truth.PLATFORM
