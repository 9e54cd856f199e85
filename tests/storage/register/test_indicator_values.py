"""Indicator values on both databases: replaced while open, revised once closed, read page by page."""

from __future__ import annotations

from dataclasses import replace
from itertools import starmap

from aldea.storage.register import Register
from aldea.storage.register.facts import NewFact, end_fact, set_fact
from aldea.storage.register.indicator_sources import (
    evidence_marks,
    feed_positions,
    months_touched,
)
from aldea.storage.register.indicator_values import (
    IndicatorValue,
    ValueFilter,
    known_periods,
    read_values,
    value_revisions,
)
from aldea.storage.register.indicator_writing import Stored, put_values
from aldea.storage.register.site_places import SitePlace, areas_of, site_areas, site_places
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites

VALUE = IndicatorValue(
    "acc_x", "1.0.0", "state", "Yucatán", "202506", "", False, "percent", "measured", "A", 50.0, 1, 2
)
REAL = ValueFilter(simulated=False, disagg=None)


def put(register: Register, *values: IndicatorValue, closing: bool) -> Stored:
    with register.transaction() as unit:
        return put_values(unit, "202506", values, simulated=False, closing=closing, at_ms=7, positions={"c1": 12})


def test_an_open_value_is_replaced_and_a_closed_one_is_revised(register: Register) -> None:
    women = replace(VALUE, disagg={"sex": "F"}, notes=("cohort_open",))
    assert put(register, VALUE, women, closing=False) == Stored(new=2)
    assert put(register, replace(VALUE, value=60.0), closing=False) == Stored(changed=1, gone=1)
    assert put(register, replace(VALUE, value=60.0), closing=True) == Stored(changed=1)
    assert put(register, replace(VALUE, value=60.0), closing=True) == Stored(same=1)
    assert put(register, replace(VALUE, value=70.0), closing=True) == Stored(changed=1)
    with register.reading() as unit:
        (newest,) = read_values(unit, REAL)
        revisions = value_revisions(unit, newest)
    assert [(one.revision, one.value, one.newest, one.closed) for one in revisions] == [
        (1, 60.0, False, True),
        (2, 70.0, True, True),
    ]
    assert newest.positions == {"c1": 12}


def test_values_are_read_behind_a_cursor_and_by_what_is_asked_for(register: Register) -> None:
    put(register, *(replace(VALUE, area_code=f"Estado {number}") for number in range(5)), closing=False)
    with register.reading() as unit:
        first = read_values(unit, REAL, limit=2)
        rest = read_values(unit, REAL, after=first[-1].id)
        assert [one.area_code for one in (*first, *rest)] == [f"Estado {number}" for number in range(5)]
        (found,) = read_values(unit, replace(REAL, codes=["Estado 3"], level="state", periods=["202506"]))
        assert found.area_code == "Estado 3"
        assert known_periods(unit, simulated=False, still_open=True) == ("202506",)
        assert known_periods(unit, simulated=True) == ()


def test_an_empty_register_has_no_evidence(register: Register) -> None:
    with register.reading() as unit:
        assert evidence_marks(unit, simulated=False) == ((0, 0),) * 3
        assert months_touched(unit, 0, simulated=False) == frozenset()
        assert feed_positions(unit) == {}
        assert site_places(unit, 0, simulated=False) == []


def test_places_are_those_of_the_moment_and_of_one_world(register: Register) -> None:
    entries: list[tuple[str, bool, list[tuple[str, object]]]] = [
        ("a", False, [("inegi_code", "310790001"), ("municipality", "Tekax"), ("state_name", "Yucatán")]),
        ("b", False, [("inegi_code", "07101"), ("urban", True)]),
        ("c", False, [("inegi_code", "0710100")]),
        ("d", True, [("state_name", "Chiapas")]),
        ("e", False, []),
    ]
    with register.transaction() as unit:
        add_sites(
            unit,
            [
                SiteEntry(
                    Site(key, key.upper(), "UTC", 0, simulated),
                    0,
                    SiteState.COMMISSIONED,
                    tuple(starmap(NewFact, facts)),
                )
                for key, simulated, facts in entries
            ],
        )
        set_fact(unit, "a", "inegi_code", "310890001", 1000)
        set_fact(unit, "a", "municipality", "Tixmehuac", 1000)
        end_fact(unit, "a", "state_name", 2000)
    with register.reading() as unit:
        before, later = (site_places(unit, at_ms, simulated=False) for at_ms in (999, 2000))
        assert [one.site for one in site_places(unit, 0, simulated=True)] == ["d"]
        for at_ms, simulated in ((0, True), (0, False), (999, False), (1000, False), (2000, False)):
            places = site_places(unit, at_ms, simulated=simulated)
            assert site_areas(unit, at_ms, simulated=simulated) == areas_of(places)
        assert [area.urban for area in site_areas(unit, 0, simulated=False)] == [False, True, False]
    assert before[0] == SitePlace("a", "A", "31079", "Tekax", "Yucatán", urban=False)
    assert (
        before[1:]
        == later[1:]
        == [
            SitePlace("b", "B", "07101", None, None, urban=True),
            SitePlace("c", "C", None, None, None, urban=False),
            SitePlace("e", "E", None, None, None, urban=False),
        ]
    )
    assert later[0] == SitePlace("a", "A", "31089", "Tixmehuac", None, urban=False)
