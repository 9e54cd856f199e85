"""The settler in step with its sources: late, in any order, restarted, bounded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from aldea.model.truth import Durations, durations_between
from aldea.storage.register.boots import BootPlace, place_boots
from aldea.storage.register.devices import Device, enrol_device
from aldea.storage.register.facts import end_fact, set_fact
from aldea.storage.register.feed import get_cursor
from aldea.storage.register.maintenance import Maintenance, add_maintenance, approve_maintenance
from aldea.storage.register.simulated import remove_simulated_sites
from aldea.storage.register.truth import judged_span, read_slot_days, waiting_days
from aldea.storage.register.usage_days import UsageDay, read_usage_days, usage_day_revisions
from settlingkit.station import BEGAN_MS, DAY, HOUR, MINUTE, Kind, Station, at

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


def test_a_changed_fact_revises_what_was_settled(station: Station) -> None:
    hours = {day: [["00:00", "06:00"]] for day in ("sun", "mon", "tue", "wed", "thu", "fri", "sat")}
    station.add("norte", timezone="UTC")
    station.deliver("norte", station.rows([(at("08 00:00"), at("08 06:00"), "good")]))
    station.settle(at("08 12:00"))
    assert station.told("norte", at("08 06:00"), at("08 11:00"))[0][2] == "unknown"
    with station.register.transaction() as unit:
        set_fact(unit, "norte", "opening_hours", hours, BEGAN_MS)
        set_fact(unit, "norte", "silence_means", "off_when_closed", BEGAN_MS)
    station.settle(at("08 12:01"))
    assert station.told("norte", at("08 06:00"), at("08 11:00")) == [("08 06:00", "08 11:00", "off", None)]
    with station.register.transaction() as unit:
        end_fact(unit, "norte", "silence_means", at("08 08:00"))
    station.settle(at("08 12:02"))
    assert [item[2] for item in station.told("norte", at("08 06:00"), at("08 11:00"))] == ["off", "unknown"]


def test_work_on_one_day_uses_up_what_a_later_day_may_call_planned(station: Station) -> None:
    station.add("norte", timezone="UTC")
    station.move(at("13 00:00"))
    spans = [
        (at("11 00:00"), at("11 06:00"), "beyond_gateway"),
        (at("11 06:00"), at("12 00:00"), "good"),
        (at("12 00:00"), at("12 06:00"), "beyond_gateway"),
        (at("12 06:00"), at("12 23:00"), "good"),
    ]
    station.deliver("norte", station.rows(spans))
    windows = [
        Maintenance(from_ms=at(f"{day} 00:00"), to_ms=at(f"{day} 06:00"), announced_ms=BEGAN_MS, reason="mast")
        for day in (11, 12)
    ]
    with station.register.transaction() as unit:
        first, _ = (add_maintenance(unit, window) for window in windows)
    station.settle(at("13 00:01"))
    assert [item[:3] for item in station.told("norte", at("12 00:00"), at("12 07:00"))] == [
        ("12 00:00", "12 02:00", "planned"),
        ("12 02:00", "12 06:00", "down"),
        ("12 06:00", "12 07:00", "up"),
    ]
    with station.register.transaction() as unit:
        approve_maintenance(unit, first.id, approved=False)
    station.settle(at("13 00:02"))
    assert [item[2] for item in station.told("norte", at("11 00:00"), at("11 07:00"))] == ["down", "up"]
    assert [item[2] for item in station.told("norte", at("12 00:00"), at("12 07:00"))] == ["planned", "up"]


def test_a_window_for_a_region_is_for_its_sites_and_not_for_simulated_ones(station: Station) -> None:
    station.add("norte", {"state_name": "Yucatán"})
    station.add("sur", {"state_name": "Chiapas"})
    station.add("demo", {"state_name": "Yucatán"}, simulated=True)
    station.move(at("11 06:00"))
    for site in ("norte", "sur", "demo"):
        station.deliver(site, station.rows([(at("11 00:00"), at("11 06:00"), "beyond_gateway")]))
    window = Maintenance(
        region="Yucatán", from_ms=at("11 00:00"), to_ms=at("11 06:00"), announced_ms=BEGAN_MS, reason="fibre"
    )
    with station.register.transaction() as unit:
        add_maintenance(unit, window)
    station.settle(at("11 06:20"))
    states = {
        site: [item[2] for item in station.told(site, at("11 00:00"), at("11 06:00"))]
        for site in ("norte", "sur", "demo")
    }
    assert states == {"norte": ["planned"], "sur": ["down"], "demo": ["down"]}


def test_a_day_whose_rows_are_gone_keeps_what_was_observed(station: Station) -> None:
    station.add("norte", timezone="UTC")
    station.deliver("norte", station.rows([(at("08 00:00"), at("08 12:00"), "beyond_gateway")]))
    station.settle(at("10 00:00"))
    station.series.delete_site("norte")
    later = at("10 00:00") + 100 * DAY
    window = Maintenance(
        site="norte", from_ms=at("08 00:00"), to_ms=at("08 06:00"), announced_ms=at("08 00:00") - 3 * DAY, reason="mast"
    )
    with station.register.transaction() as unit:
        add_maintenance(unit, window)
    station.settle(later)
    assert [item[2] for item in station.told("norte", at("08 00:00"), at("08 12:00"))] == ["planned", "down"]


def test_a_replaced_box_goes_on_with_the_site_s_history(station: Station) -> None:
    station.add("norte")
    station.deliver("norte", station.rows([(at("08 00:00"), at("08 06:00"), "good")]))
    station.move(at("08 08:00"))
    with station.register.transaction() as unit:
        enrol_device(unit, Device("norte", "agent-2", "agent", at("08 06:00")))
    # What the old box still says is not the site's any more.
    station.deliver("norte", station.rows([(at("08 06:00"), at("08 08:00"), "beyond_gateway")]))
    station.settle(at("08 08:20"))
    assert [item[2] for item in station.told("norte", BEGAN_MS, at("08 08:00"))] == ["up", "unknown"]


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


def test_a_boot_that_moves_takes_its_rows_with_it(station: Station) -> None:
    station.add("norte")
    rows = station.rows([(at("08 00:00"), at("08 03:00"), "good")])
    station.move(at("08 12:00"))
    station.deliver("norte", rows, "a", BEGAN_MS)
    station.settle(at("08 12:01"))
    station.series.delete_site("norte")
    shift = 4 * HOUR
    station.place("norte", [(moment + shift, kind) for moment, kind in rows], "a", BEGAN_MS + shift)
    with station.register.transaction() as unit:
        place_boots(unit, [BootPlace("norte", "agent", "a", BEGAN_MS + shift, estimated=False)])
    station.settle(at("08 12:02"))
    assert [item[:3] for item in station.told("norte", BEGAN_MS, at("08 08:00"))] == [
        ("08 00:00", "08 04:00", "unknown"),
        ("08 04:00", "08 07:00", "up"),
        ("08 07:00", "08 08:00", "unknown"),
    ]


# ------------------------------------------------------------ daily counts


def counts(day: str, *told: tuple[str, int, float, bool]) -> list[tuple[int, Kind]]:
    """Return rows of the agent's counting: (day and time UTC, devices, seconds, restarted)."""
    return [
        (
            at(moment),
            (
                "clients",
                {"source": "wifi"},
                {"unique_today": unique, "day": day, "covered_seconds": seconds, "restarted": again},
            ),
        )
        for moment, unique, seconds, again in told
    ]


def usage(station: Station, site: str = "norte") -> dict[str, tuple[int | None, float | None, str]]:
    with station.register.reading() as unit:
        found = read_usage_days(unit, [site], date(2026, 11, 1), date(2026, 11, 30))
    return {item.day.isoformat()[8:]: (item.unique_devices, item.covered_ratio, item.status) for item in found}


def test_a_day_of_use_is_the_local_day_s_last_count(station: Station) -> None:
    hours = {day: [["09:00", "19:00"]] for day in ("sun", "mon", "tue", "wed", "thu", "fri", "sat")}
    station.add("norte", {"opening_hours": hours})
    station.move(at("13 12:00"))
    rows = [
        *counts("2026-11-08", ("08 20:00", 12, 20_000, False), ("09 05:50", 31, 36_000, False)),
        *counts("2026-11-09", ("09 07:00", 2, 3_600, False), ("10 05:00", 7, 35_000, True)),
        *counts("2026-11-10", ("10 20:00", 9, 20_000, False)),
        *counts("2026-11-11", ("11 20:00", 5, 3_000, False)),
        *counts("2026-11-13", ("13 08:00", 1, 3_600, False)),
    ]
    station.deliver("norte", rows)
    station.settle(at("13 12:30"))
    assert usage(station) == {
        "08": (31, 1.0, "A"),
        "09": (7, 0.972222, "U"),
        "10": (9, 0.555556, "U"),
        "11": (None, 0.083333, "O"),
    }


def test_a_box_that_cannot_see_clients_is_not_a_village_without_use(station: Station) -> None:
    station.add("norte", sees={"clients": False})
    station.add("sur")
    station.settle(at("10 12:00"))
    # The evening of the seventh, local time, was commissioned already.
    assert usage(station) == dict.fromkeys(("07", "08", "09"), (None, None, "L"))
    assert usage(station, "sur") == {}


def test_a_late_count_is_a_new_revision_of_a_day_that_was_over(station: Station) -> None:
    station.add("norte")
    station.deliver("norte", counts("2026-11-08", ("08 20:00", 12, 80_000, False)))
    station.settle(at("10 12:00"))
    station.deliver("norte", counts("2026-11-08", ("09 05:00", 15, 82_000, False)))
    station.settle(at("10 12:05"))
    with station.register.reading() as unit:
        found = usage_day_revisions(unit, "norte", date(2026, 11, 8))
    assert [(item.revision, item.unique_devices) for item in found] == [(1, 12), (2, 15)]
    assert isinstance(found[0], UsageDay)


@pytest.mark.parametrize("seconds", [72_000, 71_000])
def test_a_day_of_25_hours_needs_more_to_be_covered(station: Station, seconds: int) -> None:
    """The first of November 2026 has 25 hours in Juárez: four fifths of it are 72,000 seconds."""
    day = datetime(2026, 11, 1, tzinfo=UTC)
    station.clock.step_wall(round((day - timedelta(days=3)).timestamp() * 1000) - station.clock.wall_ms())
    station.add_since("norte", station.clock.wall_ms(), "America/Ciudad_Juarez")
    station.move(at("03 12:00"))
    station.deliver("norte", counts("2026-11-01", ("02 06:00", 4, seconds, False)), booted_ms=at("01 00:00"))
    station.settle(at("03 12:30"))
    assert usage(station)["01"] == (4, round(seconds / 90_000, 6), "A" if seconds == 72_000 else "U")


# ------------------------------------------------------------ boots of days long over


def test_a_witness_that_is_heard_days_later_revises_its_neighbour(station: Station) -> None:
    for site in ("norte", "sur"):
        station.add(site, {"power_region": "costa"})
    before = [(at("09 06:00"), at("09 09:00"), "good")]
    after = [(at("09 11:00"), at("09 13:00"), "good")]
    station.move(at("09 13:00"))
    for spans, boot, booted in ((before, "a", "09 05:59"), (after, "b", "09 10:59")):
        station.deliver("norte", station.rows(spans), boot, at(booted))
    station.settle(at("11 12:00"))
    assert [item[2] for item in station.told("norte", at("09 06:00"), at("09 13:00"))] == ["up", "unknown", "up"]
    for spans, boot, booted in ((before, "a", "09 05:59"), (after, "b", "09 10:59")):
        station.deliver("sur", station.rows(spans), boot, at(booted))
    station.settle(at("11 12:01"))
    expected = [("up", None), ("down", "power"), ("up", None)]
    for site in ("norte", "sur"):
        assert [item[2:] for item in station.told(site, at("09 06:00"), at("09 13:00"))] == expected


@pytest.mark.parametrize("restarted", [False, True])
def test_rows_of_a_boot_that_finds_its_place_days_later_are_judged_then(station: Station, *, restarted: bool) -> None:
    station.add("norte")
    station.move(at("09 20:00"))
    station.know_boot("norte", "lost", None, at("09 20:00"))
    station.tell("norte", None, None, boot="lost")
    station.settle(at("11 12:00"))
    if restarted:
        station.restart()
    station.place("norte", station.rows([(at("09 09:00"), at("09 11:00"), "beyond_gateway")]), "lost", at("09 08:59"))
    station.settle(at("11 12:01"))
    down = [item for item in station.told("norte", at("09 08:00"), at("09 12:00")) if item[2] == "down"]
    assert down == [("09 09:00", "09 11:00", "down", "backhaul")]
