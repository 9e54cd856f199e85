"""Days of use: a local day's last count, and how much of the day it covers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aldea.storage.register.usage_days import UsageDay, read_usage_days, usage_day_revisions
from settlingkit.station import Kind, Station, at


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
