"""Sites, their dated states and facts, and their devices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.storage.register import Register, RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.devices import (
    Device,
    devices_of,
    enrol_device,
    find_device,
    known_devices,
    primary_at,
    retire_device,
    set_primary,
    set_sees,
)
from aldea.storage.register.facts import (
    Fact,
    NewFact,
    end_fact,
    fact_at,
    fact_history,
    facts_at,
    programmes_at,
    set_fact,
)
from aldea.storage.register.settings import registry_version
from aldea.storage.register.simulated import remove_simulated_sites
from aldea.storage.register.sites import (
    Site,
    SiteState,
    StateSpan,
    add_sites,
    count_sites,
    find_site,
    set_state,
    state_at,
    state_history,
    update_site,
)
from aldea.storage.register.status import StatusUpdate, find_status, upsert_status
from storage.register.places import DAY, entry

ONE_REGISTER = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_a_site_comes_back_as_it_was_added(register: Register) -> None:
    place = Site("kancab", "Kancab", "America/Merida", 5, latitude=20.2, longitude=-89.3)
    with register.transaction() as unit:
        add_sites(unit, [replace(entry("kancab"), site=place)])
        assert find_site(unit, "kancab") == place
        assert find_site(unit, "nowhere") is None
        assert state_at(unit, "kancab", DAY) is SiteState.COMMISSIONED
        assert state_at(unit, "kancab", DAY - 1) is None
        assert devices_of(unit, "kancab") == (
            Device("kancab", "box", "agent", DAY, is_primary=True, sees={"wan_bytes": False}),
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "Kancab"}, "id must be"),
        ({"name": "  "}, "name must be"),
        ({"timezone": "America/Tekax"}, "not an IANA zone"),
        ({"timezone": "../etc/passwd"}, "not an IANA zone"),
        ({"latitude": 20.0}, "go together"),
        ({"latitude": 91.0, "longitude": 0.0}, "latitude 91.0"),
        ({"latitude": 9.0, "longitude": float("nan")}, "longitude nan"),
    ],
)
def test_a_site_that_can_not_be_is_refused_by_field(register: Register, change: dict[str, object], words: str) -> None:
    wrong = replace(entry("kancab").site, **change)  # type: ignore[arg-type]  # each value fits its field
    with pytest.raises(RegisterError, match=words), register.transaction() as unit:
        add_sites(unit, [entry("good"), replace(entry("kancab"), site=wrong, devices=())])
    with register.reading() as unit:
        assert find_site(unit, "good") is None


def test_a_figure_for_last_year_uses_what_held_last_year(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one", NewFact("provider", "north"))])
        assert set_fact(unit, "one", "provider", "south", 10 * DAY)
        assert fact_at(unit, "one", "provider", 10 * DAY - 1) == "north"
        assert fact_at(unit, "one", "provider", 10 * DAY) == "south"
        assert not set_fact(unit, "one", "provider", "south", 12 * DAY), "nothing changed"
        # Learnt late: between the two there was a third, and what came after it stays.
        assert set_fact(unit, "one", "provider", "west", 5 * DAY)
        assert set_fact(unit, "one", "provider", "east", 5 * DAY), "a correction"
        assert end_fact(unit, "one", "provider", 20 * DAY)
        assert not end_fact(unit, "one", "provider", 21 * DAY)
        found = [(f.value, f.valid_from_ms, f.valid_to_ms) for f in fact_history(unit, "one", "provider")]
        assert found == [
            ("north", DAY, 5 * DAY),
            ("east", 5 * DAY, 10 * DAY),
            ("south", 10 * DAY, 20 * DAY),
        ]
        assert fact_at(unit, "one", "provider", 20 * DAY) is None


def test_a_site_holds_several_programmes_at_once(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one", NewFact("programme", "aldeas", item="aldeas"))])
        set_fact(unit, "one", "programme", "emprende", 2 * DAY, item="emprende")
        end_fact(unit, "one", "programme", 3 * DAY, item="aldeas")
        assert programmes_at(unit, "one", DAY) == ("aldeas",)
        assert programmes_at(unit, "one", 2 * DAY) == ("aldeas", "emprende")
        assert programmes_at(unit, "one", 3 * DAY) == ("emprende",)


def test_facts_of_any_json_shape_come_back_equal(register: Register) -> None:
    hours = {"mon": [["08:00", "14:00"], ["16:00", "20:00"]], "sun": []}
    with register.transaction() as unit:
        add_sites(unit, [entry("one", NewFact("opening_hours", hours), NewFact("population", 812))])
        set_fact(unit, "one", "contracted_down_mbps", 2.5, DAY)
        set_fact(unit, "one", "urban", value=False, from_ms=DAY)
        found = {fact.fact: fact.value for fact in facts_at(unit, "one", DAY)}
    assert found == {
        "opening_hours": hours,
        "population": 812,
        "contracted_down_mbps": 2.5,
        "urban": False,
        "primary_device": "box",
    }


@pytest.mark.parametrize(
    ("fact", "value", "item", "words"),
    [
        ("providr", "x", "", "not known"),
        ("programme", "x", "", "needs an item"),
        ("provider", "x", "x", "takes no item"),
        ("provider", None, "", "no value"),
        ("population", float("nan"), "", "not JSON"),
        ("x_" + "a" * 80, 1, "", "not known"),
    ],
)
def test_a_fact_that_can_not_be_is_refused(register: Register, fact: str, value: object, item: str, words: str) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
        with pytest.raises(RegisterError, match=words):
            set_fact(unit, "one", fact, value, DAY, item=item)
        with pytest.raises(UnknownEntryError, match="'two' is not registered"):
            set_fact(unit, "two", "provider", "x", DAY)


def timeline(spans: tuple[Fact, ...]) -> list[object]:
    """Return the value at each time from 0 to 9."""
    found: list[object] = [None] * 10
    for span in spans:
        for at in range(span.valid_from_ms, span.valid_to_ms or 10):
            assert found[at] is None, "two values at once"
            found[at] = span.value
    return found


@ONE_REGISTER
@given(changes=st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["a", "b", "c", None])), max_size=12))
def test_a_change_holds_until_the_next_recorded_one_and_touches_nothing_else(
    register: Register, changes: list[tuple[int, str | None]]
) -> None:
    with register.transaction() as unit:
        unit.connection.exec_driver_sql("DELETE FROM site")
        add_sites(unit, [entry("one")])
        for at, value in changes:
            before = fact_history(unit, "one", "provider")
            if value is None:
                end_fact(unit, "one", "provider", at)
            else:
                set_fact(unit, "one", "provider", value, at)
            starts = [span.valid_from_ms for span in before if span.valid_from_ms > at]
            ends = [span.valid_to_ms or 10 for span in before if span.valid_from_ms <= at < (span.valid_to_ms or 10)]
            until = min(starts + ends, default=10)
            old = timeline(before)
            expected = old[:at] + [value] * (until - at) + old[until:]
            assert timeline(fact_history(unit, "one", "provider")) == expected


def test_states_are_dated_and_bump_the_version_once(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one", state=SiteState.PLANNED)])
        before = registry_version(unit)
        assert set_state(unit, "one", SiteState.COMMISSIONED, 2 * DAY)
        assert not set_state(unit, "one", SiteState.COMMISSIONED, 3 * DAY)
        assert registry_version(unit) == before + 1
        assert state_history(unit, "one") == (
            StateSpan(SiteState.PLANNED, DAY, 2 * DAY),
            StateSpan(SiteState.COMMISSIONED, 2 * DAY, None),
        )


def test_which_device_decides_is_dated(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
        enrol_device(unit, Device("one", "router", "snmp", 3 * DAY, is_primary=False))
        assert primary_at(unit, "one", 3 * DAY) == "box"
        set_primary(unit, "one", "router", 5 * DAY)
        assert primary_at(unit, "one", 4 * DAY) == "box"
        assert primary_at(unit, "one", 5 * DAY) == "router"
        enrol_device(unit, Device("one", "box-2", "agent", 7 * DAY))
        retire_device(unit, "one", "box", 7 * DAY)
        retire_device(unit, "one", "box-2", 9 * DAY)
        assert primary_at(unit, "one", 8 * DAY) == "box-2"
        assert primary_at(unit, "one", 9 * DAY) is None
        assert [device.id for device in devices_of(unit, "one")] == ["box", "router", "box-2"]
        assert [device.is_primary for device in devices_of(unit, "one")] == [False, False, False]


def test_devices_are_refused_where_they_do_not_fit(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
        with pytest.raises(RegisterConflictError, match="already has a device 'box'"):
            enrol_device(unit, Device("one", "box", "agent", DAY))
        with pytest.raises(UnknownEntryError, match="not registered"):
            enrol_device(unit, Device("two", "box", "agent", DAY))
        with pytest.raises(RegisterError, match="1 to 39"):
            enrol_device(unit, Device("one", "Box", "agent", DAY))
        with pytest.raises(UnknownEntryError, match="no device 'tap'"):
            retire_device(unit, "one", "tap", DAY)


def test_the_collector_notices_each_change_to_the_list_of_devices(register: Register) -> None:
    versions = []
    with register.transaction() as unit:
        add_sites(unit, [entry("one"), entry("two", simulated=True)])
        known = known_devices(unit)
        assert set(known.devices) == {("one", "box"), ("two", "box")}
        assert known.devices["two", "box"].simulated
        assert known.devices["one", "box"].timezone == "America/Merida"
        versions.append(known.version)
        enrol_device(unit, Device("one", "tap", "snmp", DAY, is_primary=False))
        versions.append(registry_version(unit))
        retire_device(unit, "one", "tap", 2 * DAY)
        versions.append(registry_version(unit))
        set_sees(unit, "one", "box", {"wan_bytes": True})
        versions.append(registry_version(unit))
        update_site(unit, replace(entry("one").site, name="Uno", timezone="America/Mexico_City"))
        versions.append(registry_version(unit))
        known = known_devices(unit)
        assert known.devices["one", "tap"].retired_at_ms == 2 * DAY
        assert known.devices["one", "box"].timezone == "America/Mexico_City"
        box = find_device(unit, "one", "box")
        assert box is not None
        assert box.sees == {"wan_bytes": True}
    assert versions == sorted(set(versions))


def test_simulated_sites_leave_without_a_trace_and_real_ones_stay(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("real"), entry("sim-1", simulated=True), entry("sim-2", simulated=True)])
        upsert_status(unit, [StatusUpdate("real", "box", 5), StatusUpdate("sim-1", "box", 5)])
        assert remove_simulated_sites(unit) == 2
        assert count_sites(unit, simulated=True) == 0
        assert count_sites(unit, simulated=False) == 1
        assert find_status(unit, "sim-1") == ()
        assert len(find_status(unit, "real")) == 1
        assert fact_history(unit, "sim-1") == ()
        assert set(known_devices(unit).devices) == {("real", "box")}
