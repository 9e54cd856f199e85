"""Sites, their dated states, and their devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
from aldea.storage.register.facts import fact_history
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
