"""Maintenance windows: whose time they make planned, and how much of it."""

from __future__ import annotations

from aldea.storage.register.maintenance import Maintenance, add_maintenance, approve_maintenance
from settlingkit.station import BEGAN_MS, Station, at


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
