"""The fleet's data: real municipalities, marked as simulated."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import fields
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from aldea.model.sample import is_id
from aldea.simulator.fleet import SimulatedSite, registrations, weekly_hours

# INEGI's codes of the federal states.
STATES = {
    "02": "Baja California",
    "03": "Baja California Sur",
    "04": "Campeche",
    "07": "Chiapas",
    "08": "Chihuahua",
    "10": "Durango",
    "12": "Guerrero",
    "18": "Nayarit",
    "20": "Oaxaca",
    "21": "Puebla",
    "23": "Quintana Roo",
    "25": "Sinaloa",
    "26": "Sonora",
    "27": "Tabasco",
    "30": "Veracruz",
    "31": "Yucatán",
}


def test_there_are_76_villages_in_16_states() -> None:
    sites = registrations()
    assert len(sites) == len({site.id for site in sites}) == len({site.inegi_code for site in sites}) == 76
    states = Counter(site.state_name for site in sites)
    assert len(states) == 16
    assert (states["Chiapas"], states["Yucatán"], states["Oaxaca"]) == (18, 8, 8)


def test_codes_belong_to_their_states() -> None:
    for site in registrations():
        assert len(site.inegi_code) == 5
        assert STATES[site.inegi_code[:2]] == site.state_name, site.id


def test_the_places_that_programmes_name_are_there_and_the_town_is_not() -> None:
    by_code = {site.inegi_code: site.municipality for site in registrations()}
    wanted = {
        "31104": "Yaxcabá",
        "31079": "Tekax",
        "31015": "Cuzamá",
        "07097": "Tonalá",
        "07124": "Mezcalapa",
        "04001": "Calkiní",
    }
    assert {code: by_code[code] for code in wanted} == wanted
    assert "08037" not in by_code
    assert "14101" not in by_code


def test_every_site_says_that_it_is_simulated() -> None:
    for site in registrations():
        assert is_id(site.id)
        assert site.id.startswith("sim-")
        assert site.name.endswith("(simulado)")


def test_zones_and_places_are_where_they_should_be() -> None:
    for site in registrations():
        assert ZoneInfo(site.timezone).key == site.timezone
        assert 14.5 < site.latitude < 32.8
        assert -118.5 < site.longitude < -86.7
    zones = {site.state_name: site.timezone for site in registrations()}
    assert zones["Quintana Roo"] == "America/Cancun"
    assert zones["Sonora"] == "America/Hermosillo"
    assert zones["Yucatán"] == zones["Campeche"] == "America/Merida"


def test_every_kind_of_story_is_told() -> None:
    stories = Counter(site.story for site in registrations())
    expected = {"steady", "power", "backhaul", "platform", "flapping", "evening", "dead", "counter_reset"}
    assert set(stories) == expected | {"bad_clock", "idle"}
    assert stories["steady"] > 38


def test_the_data_files_columns_are_the_sites_fields() -> None:
    text = (files("aldea.simulator") / "data" / "villages.csv").read_text(encoding="utf-8")
    header = next(csv.reader(text.splitlines()))
    assert [*header, "device"] == [item.name for item in fields(SimulatedSite)]


def test_opening_hours_are_read_by_weekday() -> None:
    week = weekly_hours("mon-fri 09:00-18:00, sat 09:00-14:00")
    assert week["wed"] == [["09:00", "18:00"]]
    assert week["sat"] == [["09:00", "14:00"]]
    assert week["sun"] == []
    with pytest.raises(ValueError, match="mon to fri"):
        weekly_hours("mon to fri")
    for site in registrations():
        assert any(site.facts()["opening_hours"].values())  # type: ignore[attr-defined]  # facts are objects
