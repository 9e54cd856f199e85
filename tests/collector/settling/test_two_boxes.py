"""Two boxes of one site told in any order: what an old disk held arrives after the new box has begun."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from aldea.model.sample import Reading
from aldea.model.truth import Durations, durations_between
from delivery.boxes import bring_in, replace_box
from settlingkit.station import BEGAN_MS, HOUR, Kind, Station, at
from settlingkit.whole import MINUTE, Whole

if TYPE_CHECKING:
    from pathlib import Path

Told = tuple[list[tuple[int, Kind]], str, int]
WINDOW = (BEGAN_MS, at("10 00:00"))


def old_box(station: Station) -> list[Told]:
    """A box that measured on, unheard, until somebody took it down: its outage is on its disk alone."""
    spans = [
        (at("08 00:00"), at("08 20:00"), "good"),
        (at("08 20:00"), at("09 02:00"), "beyond_gateway"),
        (at("09 02:00"), at("09 06:00"), "good"),
    ]
    rows = station.rows(spans)
    return [(rows[low : low + 40], "old-boot", BEGAN_MS) for low in range(0, len(rows), 40)]


def new_box(station: Station, began: str) -> list[Told]:
    """The box in its place."""
    rows = station.rows([(at(began), at("09 23:59"), "good")])
    return [(rows[low : low + 40], "new-boot", at(began)) for low in range(0, len(rows), 40)]


def settled(station: Station, told: list[Told], chance: Random | None) -> None:
    """Let it all arrive, with or without judgements in between."""
    station.move(at("10 01:00"))
    for rows, boot, booted_ms in told:
        station.deliver("norte", rows, boot, booted_ms)
        if chance is not None and chance.random() < 0.5:
            station.settle(station.clock.wall_ms() + 40_000)
    station.settle(at("10 02:00"))


def test_rows_of_the_old_box_revise_what_was_settled_after_the_new_one_began(station: Station) -> None:
    station.add("norte")
    for rows, boot, booted_ms in new_box(station, "09 10:00"):
        station.deliver("norte", rows, boot, booted_ms)
    station.settle(at("10 02:00"))
    assert station.told("norte", *WINDOW)[0][:3] == ("08 00:00", "09 10:00", "unknown")
    settled(station, old_box(station), None)
    assert [item[:3] for item in station.told("norte", *WINDOW)] == [
        ("08 00:00", "08 20:00", "up"),
        ("08 20:00", "09 02:00", "down"),
        ("09 02:00", "09 06:00", "up"),
        ("09 06:00", "09 10:00", "unknown"),
        ("09 10:00", "10 00:00", "up"),
    ]


@pytest.mark.parametrize("began", ["09 10:00", "09 04:00", "08 22:00"])
@pytest.mark.parametrize("seed", [1, 2])
def test_however_the_rows_of_two_boxes_arrive_the_truth_is_one(tmp_path: Path, began: str, seed: int) -> None:
    results = []
    for number in range(3):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        station = Station(folder)
        station.add("norte")
        told = [*old_box(station), *new_box(station, began)]
        chance = Random(seed)
        if number == 1:
            told = [*new_box(station, began), *old_box(station)]
        elif number == 2:
            chance.shuffle(told)
        settled(station, told, chance if number else None)
        results.append(station.intervals("norte", *WINDOW))
        station.close()
    assert results[0] == results[1] == results[2]
    sums = durations_between(results[0], *WINDOW)
    assert sums.up_ms + sums.down_ms + sums.unknown_ms == 48 * HOUR
    if began == "09 04:00":  # both measured for two hours, and agree
        assert sums == Durations(up_ms=42 * HOUR, down_ms=6 * HOUR)
    if began == "08 22:00":  # where one of them hears the Internet, it is there
        assert sums == Durations(up_ms=46 * HOUR, down_ms=2 * HOUR)


ALONE, BAD_LINK = "at once", "over a bad link"
LATER, ONE_BY_ONE = "after it was judged", "one by one, each judged"


def replaced(whole: Whole, order: str) -> list[tuple[str, str | None, int]]:
    """Live through the end of two boxes and the beginning of a third; return what is settled, in whole hours.

    The first box knows the time and loses its link. The second measures without ever being heard or learning the time.
    Then the power goes, with the router's, and somebody brings another box, and at some time the disks of the others.
    Days lie between them, so that no box's rows touch the days of another's.
    """
    world = whole.world
    world.run(3)
    whole.measure(120, anchor=3)
    world.run(5)
    world.disconnect()
    whole.measure(120, anchor=0)
    first = replace_box(world, "first", minutes=48 * 60)
    whole.measure(120, anchor=3)
    second = replace_box(world, "second", minutes=48 * 60)
    router_began_ms = world.clock.wall_ms() - 20 * MINUTE
    world.loss = 0.4 if order == BAD_LINK else 0.0
    world.run(3)
    if order == ALONE:
        bring_in(world, second)
        bring_in(world, first)
        world.run(20)
    for _ in range(12):
        uptime = {"uptime_seconds": (world.clock.wall_ms() - router_began_ms) // 1000}
        world.record(Reading("snmp", uptime, {"target": "router"}))
        whole.measure(5, anchor=3)
    world.run(20)
    if order in {LATER, ONE_BY_ONE}:
        early = whole.settle()
        assert [(item.state.value, item.cause) for item in early] == [("up", None), ("down", "power"), ("up", None)]
    if order != ALONE:
        bring_in(world, second)
        if order == ONE_BY_ONE:
            world.run(60)
            whole.settle()
        bring_in(world, first)
    world.run(60)
    world.loss = 0.0
    world.run(60)
    ended_ms = max(world.expected.values())  # what follows is not over yet
    found = [item for item in whole.settle() if item.start_ms <= ended_ms]
    assert world.quarantined() == []
    return [(item.state.value, item.cause, round((item.end_ms - item.start_ms) / HOUR)) for item in found]


@pytest.mark.parametrize("order", [ALONE, LATER, ONE_BY_ONE, BAD_LINK])
def test_the_boots_of_boxes_stand_in_order_whenever_the_old_disks_come(tmp_path: Path, order: str) -> None:
    whole = Whole(tmp_path)
    try:
        assert replaced(whole, order) == [
            ("up", None, 2),
            ("down", "backhaul", 2),
            ("unknown", None, 48),
            ("up", None, 2),
            ("down", "power", 48),
            ("up", None, 1),
        ]
        sources = [boot.source for boot in sorted(whole.world.boots_known(), key=lambda boot: boot.offset_ms or 0)]
        assert sources == ["server", "estimated", "server"]
        for stream in whole.world.desk.journal.streams():
            record = whole.world.coverage(stream.epoch)
            assert (record.open_rows, record.lost_rows) == (0, 0)
    finally:
        whole.close()
