"""The settler in step with its sources: late, in any order, restarted, bounded."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from aldea.model.truth import Durations, durations_between
from aldea.storage.register.feed import get_cursor
from aldea.storage.register.simulated import remove_simulated_sites
from aldea.storage.register.truth import judged_span, read_slot_days, waiting_days
from settlingkit.station import BEGAN_MS, HOUR, MINUTE, Kind, Station, at

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_that_the_series_store_has_not_got_yet_are_waited_for(station: Station) -> None:
    station.add("norte")
    station.series_position = 0
    station.deliver("norte", station.rows([(at("08 00:00"), at("08 06:00"), "good")]))
    station.settle(at("08 06:30"))
    with station.register.reading() as unit:
        assert get_cursor(unit, "settler", "main") == 0
    station.series_position = None
    station.settle(at("08 06:31"))
    with station.register.reading() as unit:
        assert get_cursor(unit, "settler", "main") == 1
    assert station.told("norte", at("08 00:00"), at("08 06:00")) == [("08 00:00", "08 06:00", "up", None)]


def test_a_silent_site_is_settled_by_time_alone(station: Station) -> None:
    station.add("norte")
    station.settle(at("09 12:00"))
    assert station.told("norte", BEGAN_MS, at("09 12:00")) == [("08 00:00", "09 11:50", "unknown", None)]
    station.settle(at("09 12:05"))
    station.settle(at("09 12:30"))
    assert station.told("norte", BEGAN_MS, at("09 12:30")) == [("08 00:00", "09 12:20", "unknown", None)]
    with station.register.reading() as unit:
        assert judged_span(unit, "norte") == (BEGAN_MS, at("09 12:20"))


def test_a_planned_site_is_not_judged_until_it_is_commissioned(station: Station) -> None:
    station.add("norte", state="planned")
    station.settle(at("09 12:00"))
    with station.register.reading() as unit:
        assert judged_span(unit, "norte") is None
        assert waiting_days(unit) == 0


def _batches(station: Station) -> list[tuple[list[tuple[int, Kind]], str, int]]:
    """Two boots with a hole between them, an outage, and degraded hours: 30 batches of an hour or so."""
    spans = [
        ("good", "08 00:00", "08 09:00", "a"),
        ("beyond_gateway", "08 09:00", "08 11:30", "a"),
        ("good", "08 11:30", "08 20:00", "a"),
        ("lossy", "08 23:10", "09 02:00", "b"),
        ("nothing_answers", "09 02:00", "09 04:00", "b"),
        ("good", "09 04:00", "09 08:00", "b"),
    ]
    booted = {"a": BEGAN_MS, "b": at("08 23:05")}
    found = []
    for kind, start, end, boot in spans:
        rows = station.rows([(at(start), at(end), kind)])
        found += [(rows[low : low + 24], boot, booted[boot]) for low in range(0, len(rows), 24)]
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_of_arrival_and_any_pauses_between_settle_to_the_same(
    station: Station, tmp_path: Path, seed: int
) -> None:
    window = (BEGAN_MS, at("09 09:00"))
    results = []
    for number, shuffled in enumerate((False, True)):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        other = Station(folder)
        other.add("norte")
        batches = _batches(other)
        chance = Random(seed)
        other.move(at("09 09:30"))
        if shuffled:
            chance.shuffle(batches)
        for rows, boot, booted in batches:
            other.deliver("norte", rows, boot, booted)
            if shuffled and chance.random() < 0.3:
                other.settle(other.clock.wall_ms() + 40_000)
        other.settle(at("09 10:00"))
        results.append(other.intervals("norte", *window))
        other.close()
    assert results[0] == results[1]
    assert durations_between(results[0], *window) == Durations(
        up_ms=9 * HOUR + 8 * HOUR + 30 * MINUTE + 2 * HOUR + 50 * MINUTE + 4 * HOUR,
        down_ms=4 * HOUR + 30 * MINUTE,
        unknown_ms=3 * HOUR + 10 * MINUTE + HOUR,
    )


def test_a_settler_that_starts_again_has_nothing_to_do_twice(station: Station) -> None:
    station.add("norte")
    station.deliver("norte", station.rows([(at("08 00:00"), at("09 06:00"), "good")]))
    station.settle(at("09 06:00"))
    with station.register.reading() as unit:
        before = read_slot_days(unit, ["norte"], BEGAN_MS, at("10 00:00"))
    station.restart()
    assert not station.settler.step()
    with station.register.reading() as unit:
        assert read_slot_days(unit, ["norte"], BEGAN_MS, at("10 00:00")) == before
        assert before[0].positions == {"main": 1}


def test_the_newest_day_is_settled_first_and_a_step_is_small(station: Station) -> None:
    sites = [f"aldea-{number:02d}" for number in range(14)]
    for site in sites:
        station.add(site)
    station.move(at("18 12:00"))
    for _ in range(3):
        assert station.settler.step()
    with station.register.reading() as unit:
        days = read_slot_days(unit, sites, BEGAN_MS, at("19 00:00"))
    assert {item.site for item in days} == set(sites)
    assert {item.start_ms for item in days} == {at("18 00:00")}


def test_simulated_sites_leave_nothing_behind(station: Station) -> None:
    station.add("demo", simulated=True)
    station.deliver("demo", station.rows([(at("08 00:00"), at("08 06:00"), "good")]))
    station.settle(at("08 07:00"))
    station.deliver("demo", station.rows([(at("08 06:00"), at("08 07:00"), "good")]))
    with station.register.transaction() as unit:
        assert remove_simulated_sites(unit) == 1
    station.settle(at("08 09:00"))
    assert station.intervals("demo", BEGAN_MS, at("08 09:00")) == ()
    with station.register.reading() as unit:
        assert waiting_days(unit) == 0
