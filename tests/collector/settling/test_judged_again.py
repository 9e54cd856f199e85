"""What is heard after a day was settled: what it changes, and what stays as it was."""

from __future__ import annotations

import pytest

from aldea.storage.register.boots import BootPlace, place_boots
from aldea.storage.register.devices import Device, enrol_device
from aldea.storage.register.facts import end_fact, set_fact
from aldea.storage.register.maintenance import Maintenance, add_maintenance
from settlingkit.station import BEGAN_MS, DAY, HOUR, Station, at


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
