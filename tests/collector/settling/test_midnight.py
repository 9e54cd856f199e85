"""At the turn of a UTC day: the day that is over is judged to its end, and the one that begins is not begun in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settlingkit.station import at

if TYPE_CHECKING:
    from settlingkit.station import Station


def test_the_settler_comes_to_rest_when_all_up_to_midnight_is_ripe(station: Station) -> None:
    for number in range(8):  # more than are settled in a step
        station.add(f"site-{number}", timezone="UTC")
    for number in range(8):
        station.deliver(f"site-{number}", station.rows([(at("10 00:00"), at("10 23:30"), "good")]))
    station.settle(at("10 23:45"), limit=50)
    station.settle(at("11 00:12"), limit=50)
    for number in range(8):
        told = station.told(f"site-{number}", at("10 23:00"), at("11 01:00"))
        assert told == [("10 23:00", "10 23:30", "up", None), ("10 23:30", "11 00:00", "unknown", None)]
