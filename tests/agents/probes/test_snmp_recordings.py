"""Against recordings of whole devices, played by snmpsim: our own in recordings/, real ones of snmpsim-data."""

from __future__ import annotations

import asyncio
import bz2
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aldea.agents.device_settings import PowerSettings, SnmpSettings, SnmpTarget, SnmpUps
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.power import PowerProbe
from aldea.agents.probes.snmp import SnmpProbe
from aldea.agents.probes.snmp_client import SnmpClient, SnmpError
from aldea.agents.snmp_profiles import ROUTERS, UPSES, load_profile
from aldea.model.catalogue import CATALOGUE
from aldea.model.clock import ManualClock
from aldea.model.failures import Failure
from aldea.model.sample import Reading
from rigs.processes import LOOPBACK, RigError
from rigs.snmpsim import Snmpsim, recorded

RECORDINGS = Path(__file__).with_name("recordings")
REAL = {
    "nanostation": "network/wifi/ubiquiti-m5.snmprec.bz2",
    "eaton": "UPS/eaton-93e-80.snmprec.bz2",
    "eastpower": "UPS/eastpower-istars-swv053.snmprec.bz2",
    "huawei": "UPS/huawei-gse200m.snmprec.bz2",
    "phoenixtec": "UPS/phoenixtec-power.snmprec.bz2",
}
UPTIME, HOST_UPTIME = "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.25.1.1.0"
LATER = {
    # The MikroTik lost its power a minute ago, and its counters with it.
    "mikrotik": {
        HOST_UPTIME: 3_000,
        UPTIME: 3_000,
        "1.3.6.1.2.1.31.1.1.1.6.1": 7_000_000,
        "1.3.6.1.2.1.31.1.1.1.10.1": 2_000_000,
    },
    # The airOS radio ran on; a 32-bit counter of its Ethernet passed 2**32.
    "ubiquiti-airos": {
        UPTIME: 1_240_500,
        "1.3.6.1.2.1.2.2.1.10.2": 5_000_000,
        "1.3.6.1.2.1.2.2.1.16.2": 3_000_000,
    },
    # The UPS has gone to battery.
    "ups": {
        "1.3.6.1.2.1.33.1.4.1.0": 5,
        "1.3.6.1.2.1.33.1.2.2.0": 55,
        "1.3.6.1.2.1.33.1.2.1.0": 3,
        "1.3.6.1.2.1.33.1.2.3.0": 4,
        "1.3.6.1.2.1.33.1.3.3.1.3.1": 0,
        UPTIME: 366_000,
    },
}


def changed(text: str, values: Mapping[str, int]) -> str:
    """Return a recording with other values for some of its objects."""
    lines = []
    for line in text.splitlines():
        oid, _, rest = line.partition("|")
        lines.append(f"{oid}|{rest.split('|')[0]}|{values[oid]}" if oid in values else line)
    assert values.keys() <= {line.partition("|")[0] for line in lines}
    return "\n".join(lines) + "\n"


class Switch:
    """A UDP port in front of two devices: datagrams go to the one that is chosen, as if it had changed."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.chosen = 0
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((LOOPBACK, 0))
        self.port: int = self._front.getsockname()[1]
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()

    def _relay(self) -> None:
        while True:
            question, asker = self._front.recvfrom(65_535)
            if question == b"end":
                return
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
                back.settimeout(20)
                back.sendto(question, (LOOPBACK, self.ports[self.chosen]))
                try:
                    self._front.sendto(back.recv(65_535), asker)
                except TimeoutError:
                    continue

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", (LOOPBACK, self.port))
        self._thread.join()
        self._front.close()


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Every recording at one port, and what some of them say a minute later at another."""
    work = tmp_path_factory.mktemp("snmpsim")
    now, later = work / "now", work / "later"
    now.mkdir()
    later.mkdir()
    texts = {path.stem: path.read_text() for path in RECORDINGS.glob("*.snmprec")}
    try:
        texts |= {name: bz2.decompress(recorded(path).read_bytes()).decode("latin-1") for name, path in REAL.items()}
    except RigError as error:
        pytest.skip(str(error))
    # A device that answers each question a second late.
    eth0 = next(line for line in texts["ubiquiti-unifi"].splitlines() if line.startswith("1.3.6.1.2.1.1.3.0|"))
    texts["slow"] = texts["ubiquiti-unifi"].replace(eth0, f"{UPTIME}|67:delay|value=500000,wait=1000")
    for name, text in texts.items():
        (now / f"{name}.snmprec").write_text(text, encoding="latin-1")
    for name, values in LATER.items():
        (later / f"{name}.snmprec").write_text(changed(texts[name], values), encoding="latin-1")
    with Snmpsim(work / "run", (now, later)) as sim:
        yield sim.ports


@pytest.fixture
def switch(ports: list[int]) -> Iterator[Switch]:
    made = Switch(ports)
    yield made
    made.close()


def _ask(context: ProbeContext, target: SnmpTarget, *, seconds: float = 100, timeout: float = 20) -> list[Reading]:
    async def measured() -> list[Reading]:
        probe = SnmpProbe(SnmpSettings(targets=(target,), timeout_seconds=timeout, retries=0), context, seconds)
        readings = list(await probe.measure())
        await probe.aclose()
        return readings

    return asyncio.run(measured())


def _twice(context: ProbeContext, target: SnmpTarget, switch: Switch) -> list[Reading]:
    """Ask the device, and a minute later what it has become."""

    async def measured() -> list[Reading]:
        probe = SnmpProbe(SnmpSettings(targets=(target,), timeout_seconds=20, retries=0), context, 100)
        readings = list(await probe.measure())
        switch.chosen = 1
        assert isinstance(context.clock, ManualClock)
        context.clock.advance(60_000)
        readings += await probe.measure()
        await probe.aclose()
        return readings

    return asyncio.run(measured())


def _device(ports: list[int], recording: str, **more: object) -> SnmpTarget:
    target = SnmpTarget(host=LOOPBACK, port=ports[0], community=recording, name="device")
    return replace(target, **more)  # type: ignore[arg-type]  # the names are checked by `replace`


def test_every_profile_has_a_recording_and_every_file_is_offered() -> None:
    offered = {*ROUTERS, *UPSES}
    files = Path(__file__).parents[3] / "agents/aldea/agents/snmp_profiles"
    assert {path.stem for path in files.glob("*.toml")} == offered
    covered = {name.partition("-capsman")[0].partition("-dhcp")[0] for name in offered - {"generic"}}
    assert covered == {path.stem for path in RECORDINGS.glob("*.snmprec")}
    with pytest.raises(ValueError, match="there is no profile 'nokia'; there are generic"):
        load_profile("nokia")


@pytest.mark.parametrize(
    ("profile", "recording", "clients", "uptime_seconds"),
    [
        ("mikrotik", "mikrotik", 13, 86_400),
        ("mikrotik-capsman", "mikrotik", 21, 86_400),
        ("mikrotik-dhcp", "mikrotik", 34, 86_400),
        ("ubiquiti-airos", "ubiquiti-airos", 17, 12_345),
        ("ubiquiti-unifi", "ubiquiti-unifi", 19, 400_000),
        ("cambium-epmp", "cambium-epmp", 8, 77_000),
        ("cambium-cnpilot", "cambium-cnpilot", 26, 66_000),
        ("tplink-eap", "tplink-eap", 5, 55_000),
    ],
)
def test_a_profile_counts_the_clients_of_its_device(
    context: ProbeContext, ports: list[int], profile: str, recording: str, clients: int, uptime_seconds: int
) -> None:
    (reading,) = _ask(context, _device(ports, recording, profile=profile))
    assert reading.fields["failure"] is None
    assert reading.fields["clients"] == clients
    assert reading.fields["uptime_seconds"] == uptime_seconds
    assert set(reading.fields) <= {item.name for item in CATALOGUE["snmp"].fields}


def test_a_profile_knows_the_wan_interface_and_what_is_set_beside_it_wins(
    context: ProbeContext, ports: list[int]
) -> None:
    (by_profile,) = _ask(context, _device(ports, "mikrotik", profile="mikrotik"))
    assert by_profile.tags["interface"] == "ether1"
    assert by_profile.fields["rx_bytes_total"] == 5_000_123_456_789
    own = _device(ports, "mikrotik", profile="mikrotik", interface="bridge", clients_oid="1.3.6.1.4.1.14988.1.1.1.4.0")
    (reading,) = _ask(context, own)
    assert (reading.tags["interface"], reading.fields["rx_bytes_total"]) == ("bridge", 950_000_000_000)
    assert reading.fields["clients"] == 13


def test_further_interfaces_are_readings_of_their_own(context: ProbeContext, ports: list[int]) -> None:
    target = _device(ports, "mikrotik", profile="mikrotik", interfaces=("ether3", "wlan1", "wlan9"))
    wan, third, radio, missing = _ask(context, target)
    assert (wan.measurement, wan.fields["up"]) == ("snmp", True)
    assert {item.measurement for item in (third, radio, missing)} == {"snmp_interfaces"}
    assert third.fields == {"up": False, "rx_bytes_total": 0, "tx_bytes_total": 0, "failure": None}
    assert radio.tags == {"target": "device", "interface": "wlan1"}
    assert radio.fields["tx_bytes_total"] == 140_000_000_000
    assert missing.fields == {"failure": "snmp_no_such_object"}
    assert set(radio.fields) <= {item.name for item in CATALOGUE["snmp_interfaces"].fields}


def test_a_client_table_is_counted_and_no_address_of_it_is_told(
    context: ProbeContext, ports: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    column = "1.3.6.1.4.1.11863.10.1.1.2.1.2"
    (rows,) = _ask(context, _device(ports, "tplink-eap", clients_oid=column, clients_from="rows"))
    assert rows.fields["clients"] == 5
    (wrong,) = _ask(context, _device(ports, "tplink-eap", clients_oid=column, clients_from="sum"))
    assert wrong.fields["failure"] == "snmp_error"
    assert "clients" not in wrong.fields
    assert "02-00-00" not in caplog.text + str(rows) + str(wrong)


def test_what_passed_since_a_restart_is_what_the_counters_show(context: ProbeContext, switch: Switch) -> None:
    target = replace(_device([switch.port], "mikrotik", profile="mikrotik"))
    before, after = _twice(context, target, switch)
    assert "restarted" not in before.fields
    assert after.fields["restarted"] is True
    assert after.fields["uptime_seconds"] == 30
    assert (after.fields["rx_bytes"], after.fields["tx_bytes"]) == (7_000_000, 2_000_000)
    assert after.fields["counter_reset"] is True


def test_a_32_bit_counter_that_wrapped_is_told_from_one_that_was_reset(context: ProbeContext, switch: Switch) -> None:
    target = _device([switch.port], "ubiquiti-airos", interface="eth0")
    before, after = _twice(context, target, switch)
    assert before.fields["rx_bytes_total"] == 4_294_000_000
    assert after.fields["restarted"] is False
    assert after.fields["rx_bytes"] == 2**32 - 4_294_000_000 + 5_000_000
    assert after.fields["tx_bytes"] == 2_000_000
    assert after.fields["counter_reset"] is False


def test_a_real_radio_is_read_as_its_profile_says_and_what_another_has_is_missed(
    context: ProbeContext, ports: list[int]
) -> None:
    (reading,) = _ask(context, _device(ports, "nanostation", profile="ubiquiti-airos", interface="ath0"))
    assert reading.fields["failure"] is None
    assert reading.fields["clients"] == 1
    assert reading.fields["uptime_seconds"] == 8_431_538
    assert reading.fields["rx_bytes_total"] == 676_838_716  # of 32 bits: it has no others
    assert reading.fields["up"] is True
    (other,) = _ask(context, _device(ports, "nanostation", profile="ubiquiti-unifi", interface="ath0"))
    assert other.fields["failure"] == "snmp_no_such_object"
    assert "clients" not in other.fields
    assert other.fields["rx_bytes_total"] == 676_838_716


def test_a_slow_device_is_waited_for_but_not_for_ever(context: ProbeContext, ports: list[int]) -> None:
    target = _device(ports, "slow", interface="eth0")
    (patient,) = _ask(context, target)
    assert patient.fields["failure"] is None
    (hasty,) = _ask(context, target, timeout=0.3)
    assert hasty.fields == {"failure": "snmp_timeout"}
    (stopped,) = _ask(context, target, seconds=0.4)
    assert stopped.fields == {"failure": "snmp_timeout"}


def _ups(context: ProbeContext, *recordings: str, port: int, timeout: float = 20) -> list[Reading]:
    async def measured() -> list[Reading]:
        sources = tuple(SnmpUps(host=LOOPBACK, port=port, community=name, name=name) for name in recordings)
        probe = PowerProbe(PowerSettings(snmp=sources, timeout_seconds=timeout, retries=0), context, 100)
        readings = list(await probe.measure())
        await probe.aclose()
        return readings

    return asyncio.run(measured())


def test_a_ups_says_that_it_runs_on_battery(context: ProbeContext, ports: list[int]) -> None:
    (reading,) = _ups(context, "ups", port=ports[0])
    assert reading.tags == {"source": "ups"}
    assert reading.fields == {
        "on_battery": False,
        "mains": True,
        "battery_low": False,
        "battery_charge_ratio": 0.97,
        "battery_voltage_volts": 27.3,
        "input_voltage_volts": 121.0,
        "runtime_seconds": 2520,
        "on_battery_seconds": 0,
        "uptime_seconds": 3600,
        "failure": None,
    }
    (later,) = _ups(context, "ups", port=ports[1])
    told = {"on_battery", "mains", "battery_low", "runtime_seconds", "on_battery_seconds", "input_voltage_volts"}
    assert {name: later.fields[name] for name in told} == {
        "on_battery": True,
        "mains": False,
        "battery_low": True,
        "runtime_seconds": 240,
        "on_battery_seconds": 55,
        "input_voltage_volts": 0.0,
    }


def test_a_ups_whose_input_cannot_be_asked_still_says_whether_it_runs_on_battery(
    context: ProbeContext, ports: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_client: SnmpClient, column: str, _most_rows: int) -> dict[str, int]:
        raise SnmpError(Failure.SNMP_ERROR, f"the card does not know {column}")

    monkeypatch.setattr(SnmpClient, "walk", refused)
    (reading,) = _ups(context, "ups", port=ports[0])
    assert (reading.fields["failure"], reading.fields["on_battery"]) == (None, False)
    assert not {"mains", "input_voltage_volts"} & reading.fields.keys()


def test_real_upses_say_what_they_do_not_know_in_their_own_ways(context: ProbeContext, ports: list[int]) -> None:
    eaton, eastpower, huawei, phoenixtec = _ups(context, "eaton", "eastpower", "huawei", "phoenixtec", port=ports[0])
    assert (eaton.fields["input_voltage_volts"], eaton.fields["runtime_seconds"]) == (227.0, 65_520)
    assert eastpower.fields["input_voltage_volts"] == 236.0  # its index has a number too many
    assert "runtime_seconds" not in eastpower.fields  # 0 minutes, while on mains
    assert not {"battery_charge_ratio", "runtime_seconds", "input_voltage_volts"} & huawei.fields.keys()
    assert phoenixtec.fields["battery_voltage_volts"] == 41.0
    for reading in (eaton, eastpower, huawei, phoenixtec):
        assert reading.fields["on_battery"] is False
        assert reading.fields["failure"] is None
        assert set(reading.fields) <= {item.name for item in CATALOGUE["power"].fields}


def test_a_device_that_is_no_ups_is_said_and_one_that_is_off_is_silent(context: ProbeContext, ports: list[int]) -> None:
    router, silent = _ups(context, "mikrotik", "nobody", port=ports[0], timeout=5)
    assert router.fields["failure"] == "snmp_no_such_object"
    assert "on_battery" not in router.fields
    assert silent.fields == {"failure": "snmp_timeout"}
