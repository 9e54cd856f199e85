"""Power: a real upsd with NUT's dummy UPS, and a /sys/class/power_supply that the test writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from aldea.agents.changes import ChangeWatch
from aldea.agents.device_settings import NutUps, PowerSettings, SnmpUps
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.power import PowerProbe
from aldea.agents.probes.power_nut import failure_in, fields_of, parse_upsc
from aldea.agents.probes.power_reading import PowerFailed
from aldea.agents.probes.power_snmp import ups_fields
from aldea.agents.settings import AgentSettings, SeesSettings, agent_settings, what_it_sees
from aldea.agents.snmp_profiles import load_profile
from aldea.model.catalogue import CATALOGUE
from aldea.model.failures import Failure
from aldea.model.sample import Reading
from aldea.model.settings import SettingsError
from rigs.nut import Nut
from rigs.processes import LOOPBACK, free_port

ON_MAINS = {
    "ups.status": "OL CHRG",
    "battery.charge": "85",
    "battery.voltage": "13.6",
    "battery.runtime": "1230",
    "input.voltage": "121.4",
    "device.uptime": "8640",
}
ON_BATTERY = {**ON_MAINS, "ups.status": "OB LB", "battery.charge": "20", "input.voltage": "0.0"}


@pytest.fixture(scope="module")
def nut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nut]:
    with Nut(tmp_path_factory.mktemp("nut"), ON_MAINS) as server:
        yield server


def _measure(context: ProbeContext, settings: PowerSettings, round_seconds: float = 100) -> list[Reading]:
    async def measured() -> list[Reading]:
        probe = PowerProbe(settings, context, round_seconds)
        readings = list(await probe.measure())
        await probe.aclose()
        return readings

    return asyncio.run(measured())


def _eventually(measure: Callable[[], Reading], wanted: Callable[[Reading], bool]) -> Reading:
    end = time.monotonic() + 60
    while not wanted(reading := measure()):
        assert time.monotonic() < end, reading
        time.sleep(0.2)
    return reading


def test_nothing_is_measured_without_a_source(context: ProbeContext) -> None:
    assert _measure(context, PowerSettings()) == []
    assert _measure(context, PowerSettings(machine=True, enabled=False)) == []


def test_a_ups_of_nut_says_when_the_mains_fail(context: ProbeContext, nut: Nut) -> None:
    settings = PowerSettings(nut=(NutUps(ups="site", host=nut.host, port=nut.port, name="closet"),))

    def measure() -> Reading:
        (reading,) = _measure(context, settings)
        return reading

    mains = _eventually(measure, lambda reading: reading.fields["failure"] is None)
    assert mains.tags == {"source": "closet"}
    assert mains.fields == {
        "on_battery": False,
        "mains": True,
        "battery_low": False,
        "battery_charge_ratio": 0.85,
        "battery_voltage_volts": 13.6,
        "input_voltage_volts": 121.4,
        "runtime_seconds": 1230,
        "uptime_seconds": 8640,
        "failure": None,
    }
    assert set(mains.fields) <= {item.name for item in CATALOGUE["power"].fields}
    nut.say(ON_BATTERY)
    battery = _eventually(measure, lambda reading: reading.fields.get("on_battery") is True)
    wanted = {"mains": False, "battery_low": True, "battery_charge_ratio": 0.2, "input_voltage_volts": 0.0}
    assert {name: battery.fields[name] for name in wanted} == wanted
    nut.say(ON_MAINS)
    watch = ChangeWatch()
    assert [watch.observe([reading]) for reading in (mains, battery, battery, mains)] == [False, True, False, True]


def test_how_nut_fails_is_told_apart(context: ProbeContext, nut: Nut) -> None:
    settings = PowerSettings(
        nut=(
            NutUps(ups="nobody", host=nut.host, port=nut.port),
            NutUps(ups="site", host=LOOPBACK, port=free_port()),
            NutUps(ups="site", host="no-such-host.invalid"),
        ),
        timeout_seconds=60,
    )
    failures = [reading.fields for reading in _measure(context, settings)]
    assert failures == [{"failure": "not_available"}, {"failure": "connection_refused"}, {"failure": "dns_failed"}]


def test_a_ups_whose_driver_is_gone_does_not_answer(context: ProbeContext, tmp_path: Path) -> None:
    with Nut(tmp_path / "nut", ON_MAINS) as server:
        settings = PowerSettings(nut=(NutUps(ups="site", host=server.host, port=server.port),))
        server.driver.stop()
        gone = _eventually(
            lambda: _measure(context, settings)[0], lambda reading: reading.fields["failure"] is not None
        )
        assert gone.fields == {"failure": "no_reply"}


def test_upsd_that_hangs_costs_the_other_sources_nothing(context: ProbeContext, nut: Nut, tmp_path: Path) -> None:
    with Nut(tmp_path / "nut", ON_MAINS) as hanging:
        hanging.daemon.pause()
        settings = PowerSettings(
            nut=tuple(NutUps(ups="site", host=server.host, port=server.port) for server in (hanging, nut)),
            timeout_seconds=5,
        )
        stuck, good = _measure(context, settings)
        hanging.daemon.resume()
    assert stuck.fields == {"failure": "read_timeout"}
    assert good.fields["failure"] is None


@pytest.mark.parametrize(
    ("complaint", "failure"),
    [
        ("Error: Data stale", Failure.NO_REPLY),
        ("Init SSL without certificate database\nError: Driver not connected", Failure.NO_REPLY),
        ("Error: Access denied", Failure.PERMISSION_DENIED),
        ("Error: something new", Failure.UNKNOWN),
    ],
)
def test_what_upsc_complains_about_has_a_word(complaint: str, failure: Failure) -> None:
    assert failure_in(complaint) is failure


def test_a_status_of_neither_mains_nor_battery_is_no_statement() -> None:
    with pytest.raises(PowerFailed, match="'OFF' of the UPS's state"):
        fields_of(parse_upsc("ups.status: OFF\nbattery.charge: 100\nnonsense\n"))
    said = fields_of(parse_upsc("ups.status: OL\nbattery.charge: n/a\nbattery.voltage: -1\n"))
    assert said == {"on_battery": False, "mains": True, "battery_low": False}
    discharging = fields_of(parse_upsc("ups.status: OB DISCHRG\nbattery.charge: 60"))
    expected = {"on_battery": True, "mains": False, "battery_low": False, "battery_charge_ratio": 0.6}
    assert discharging == expected


@pytest.mark.parametrize(
    ("source", "seconds", "on_battery"),
    [(5, None, True), (5, 0, True), (3, None, False), (3, 40, False), (2, 40, True), (None, 0, False), (2, None, None)],
)
def test_where_a_ups_takes_its_output_from_comes_before_how_long_it_is_on_battery(
    source: int | None, seconds: int | None, on_battery: bool | None
) -> None:
    answers = {"1.3.6.1.2.1.33.1.4.1.0": source, "1.3.6.1.2.1.33.1.2.2.0": seconds}
    assert ups_fields(load_profile("ups").ups, answers).get("on_battery") is on_battery


def _supply(machine: ProbeContext, name: str, files: Mapping[str, str]) -> None:
    folder = machine.root / "sys/class/power_supply" / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(f"{text}\n")


BATTERY = {
    "type": "Battery",
    "present": "1",
    "status": "Discharging",
    "energy_now": "30000000",
    "energy_full": "40000000",
    "power_now": "10000000",
    "voltage_now": "11850000",
}


def test_a_laptop_at_the_mains_and_on_its_battery(machine: ProbeContext) -> None:
    _supply(machine, "AC", {"type": "Mains", "online": "1"})
    _supply(machine, "BAT0", {**BATTERY, "status": "Charging"})
    _supply(machine, "mouse", {"type": "Battery", "scope": "Device", "capacity": "1", "status": "Discharging"})
    (plugged,) = _measure(machine, PowerSettings(machine=True))
    assert plugged.tags == {"source": "machine"}
    assert plugged.fields == {
        "mains": True,
        "on_battery": False,
        "battery_charge_ratio": 0.75,
        "battery_voltage_volts": 11.85,
        "failure": None,
    }
    (machine.root / "sys/class/power_supply/AC/online").write_text("0\n")
    (machine.root / "sys/class/power_supply/BAT0/status").write_text("Discharging\n")
    (alone,) = _measure(machine, PowerSettings(machine=True))
    assert alone.fields["mains"] is False
    assert alone.fields["on_battery"] is True
    assert alone.fields["runtime_seconds"] == 3 * 3600


def test_a_battery_board_without_a_plug_says_by_its_status(machine: ProbeContext) -> None:
    _supply(machine, "hat", {"type": "Battery", "status": "Discharging", "capacity": "62", "time_to_empty_now": "5400"})
    (reading,) = _measure(machine, PowerSettings(machine=True))
    assert reading.fields == {
        "on_battery": True,
        "battery_charge_ratio": 0.62,
        "runtime_seconds": 5400,
        "failure": None,
    }


def test_two_batteries_are_one_and_a_plug_without_battery_is_never_on_battery(machine: ProbeContext) -> None:
    _supply(machine, "BAT0", BATTERY)
    _supply(machine, "BAT1", {**BATTERY, "energy_now": "0", "power_now": "0", "status": "Not charging"})
    (both,) = _measure(machine, PowerSettings(machine=True))
    assert (both.fields["battery_charge_ratio"], both.fields["runtime_seconds"]) == (0.375, 10_800)
    for name in ("BAT0", "BAT1"):
        (machine.root / "sys/class/power_supply" / name / "present").write_text("0")
    _supply(machine, "usb", {"type": "USB", "online": "1", "voltage_now": "5050000"})
    (plug,) = _measure(machine, PowerSettings(machine=True))
    assert plug.fields == {"mains": True, "on_battery": False, "input_voltage_volts": 5.05, "failure": None}


def test_a_socket_that_feeds_nothing_is_no_power_cut(machine: ProbeContext) -> None:
    _supply(machine, "ucsi-source-psy-USBC000:001", {"type": "USB", "online": "0"})
    (desktop,) = _measure(machine, PowerSettings(machine=True))
    assert desktop.fields == {"failure": "not_available"}
    _supply(machine, "BAT0", {**BATTERY, "time_to_empty_now": str(65_535 * 60)})
    (laptop,) = _measure(machine, PowerSettings(machine=True))
    assert (laptop.fields["mains"], laptop.fields["on_battery"]) == (False, True)
    assert "runtime_seconds" not in laptop.fields, "65,535 minutes is unknown"


def test_a_ups_that_is_fed_and_shows_no_voltage_does_not_know_it() -> None:
    source, volts = "1.3.6.1.2.1.33.1.4.1.0", "1.3.6.1.2.1.33.1.3.3.1.3"
    objects = load_profile("ups").ups
    assert ups_fields(objects, {source: 3, volts: 0}) == {"on_battery": False}
    assert ups_fields(objects, {source: 3, volts: 121})["mains"] is True
    dead = {"on_battery": True, "mains": False, "input_voltage_volts": 0.0}
    assert ups_fields(objects, {source: 5, volts: 0}) == dead


def test_a_machine_without_supplies_says_so(machine: ProbeContext) -> None:
    (reading,) = _measure(machine, PowerSettings(machine=True))
    assert reading.fields == {"failure": "not_available"}


def test_a_source_of_power_is_what_the_device_sees() -> None:
    def sees(power: PowerSettings, told: bool | None = None) -> bool:
        return what_it_sees(AgentSettings(site="a", power=power, sees=SeesSettings(power=told))).power

    assert not sees(PowerSettings())
    assert sees(PowerSettings(machine=True))
    assert sees(PowerSettings(nut=(NutUps(ups="a"),)))
    assert sees(PowerSettings(snmp=(SnmpUps(host="a"),)))
    assert not sees(PowerSettings(machine=True, enabled=False))
    assert not sees(PowerSettings(machine=True), told=False)


def test_settings_of_power_and_profiles_that_cannot_be_are_refused_in_sentences() -> None:
    document = {
        "agent": {
            "site": "a",
            "power": {"nut": [{"ups": "a@b"}], "snmp": [{"host": "a", "version": "3"}]},
            "snmp": {
                "targets": [{"host": "r", "profile": "nokia"}, {"host": "r", "interface": "a", "interfaces": ["a"]}]
            },
        }
    }
    with pytest.raises(SettingsError) as caught:
        agent_settings(document, {})
    told = "\n".join(caught.value.errors)
    assert "expects a name without @, : and blanks" in told
    assert "has version 3 but no user" in told
    assert "agent.snmp.targets[0].profile is 'nokia'; expects one of generic, mikrotik" in told
    assert "has 'a' as interface and again in interfaces" in told


def test_a_profile_with_a_wan_interface_sees_the_bytes_of_the_site() -> None:
    def sees(profile: str) -> bool:
        target = {"host": "192.168.1.1", "profile": profile}
        return what_it_sees(agent_settings({"agent": {"site": "a", "snmp": {"targets": [target]}}}, {})).wan_bytes

    assert sees("mikrotik")
    assert not sees("ubiquiti-unifi")
