from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import psutil
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import InterfacesSettings
from aldea.agents.probes.interfaces import InterfacesProbe
from aldea.model.catalogue import CATALOGUE
from aldea.model.clock import ManualClock
from aldea.model.sample import Value


def _write(
    root: Path, name: str, rx: int, tx: int, *, index: int = 2, state: str = "up", flags: str = "0x1003"
) -> Path:
    folder = root / "sys/class/net" / name
    (folder / "statistics").mkdir(parents=True, exist_ok=True)
    (folder / "ifindex").write_text(f"{index}\n")
    (folder / "operstate").write_text(f"{state}\n")
    (folder / "flags").write_text(f"{flags}\n")
    (folder / "statistics/rx_bytes").write_text(f"{rx}\n")
    (folder / "statistics/tx_bytes").write_text(f"{tx}\n")
    return folder


def _measure(probe: InterfacesProbe) -> dict[str, dict[str, Value]]:
    return {reading.tags["interface"]: dict(reading.fields) for reading in asyncio.run(probe.measure())}


def test_the_first_round_has_totals_and_no_interval(machine: ProbeContext) -> None:
    _write(machine.root, "eth0", 1000, 500)
    assert _measure(InterfacesProbe(InterfacesSettings(), machine)) == {
        "eth0": {
            "rx_bytes_total": 1000,
            "tx_bytes_total": 500,
            "rx_bytes": None,
            "tx_bytes": None,
            "interval_seconds": None,
            "up": True,
            "counter_reset": None,
            "failure": None,
        }
    }


def test_the_next_round_says_what_passed_and_in_how_long(machine: ProbeContext, clock: ManualClock) -> None:
    probe = InterfacesProbe(InterfacesSettings(), machine)
    _write(machine.root, "eth0", 1000, 500)
    _measure(probe)
    clock.advance(61_250)
    clock.step_wall(-86_400_000)  # a wall clock that jumps changes no interval
    _write(machine.root, "eth0", 4000, 500)
    fields = _measure(probe)["eth0"]
    assert (fields["rx_bytes"], fields["tx_bytes"]) == (3000, 0)
    assert fields["interval_seconds"] == 61.25
    assert fields["counter_reset"] is False


def test_a_counter_that_starts_again_counts_from_zero_and_says_so(machine: ProbeContext) -> None:
    probe = InterfacesProbe(InterfacesSettings(), machine)
    _write(machine.root, "eth0", 1000, 500)
    _measure(probe)
    _write(machine.root, "eth0", 70, 600)
    fields = _measure(probe)["eth0"]
    assert (fields["rx_bytes"], fields["tx_bytes"], fields["counter_reset"]) == (70, 100, True)


def test_another_interface_of_the_same_name_is_a_reset_even_when_it_counted_further(machine: ProbeContext) -> None:
    probe = InterfacesProbe(InterfacesSettings(), machine)
    _write(machine.root, "ppp0", 1000, 500, index=4)
    _measure(probe)
    _write(machine.root, "ppp0", 3000, 900, index=5)
    fields = _measure(probe)["ppp0"]
    assert (fields["rx_bytes"], fields["tx_bytes"], fields["counter_reset"]) == (3000, 900, True)


def test_an_interface_that_goes_is_said_once_and_starts_anew_when_it_is_back(machine: ProbeContext) -> None:
    probe = InterfacesProbe(InterfacesSettings(), machine)
    folder = _write(machine.root, "wwan0", 1000, 500)
    _measure(probe)
    folder.rename(machine.root / "gone")
    assert _measure(probe) == {"wwan0": {"up": False, "failure": "not_available"}}
    assert _measure(probe) == {}
    (machine.root / "gone").rename(folder)
    assert _measure(probe)["wwan0"]["rx_bytes"] is None


def test_a_modem_without_a_state_of_its_own_is_up_when_its_flag_is(machine: ProbeContext) -> None:
    _write(machine.root, "ppp0", 1, 1, state="unknown", flags="0x10d1")
    _write(machine.root, "ppp1", 1, 1, state="unknown", flags="0x10d0")
    _write(machine.root, "eth0", 1, 1, state="down")
    fields = _measure(InterfacesProbe(InterfacesSettings(), machine))
    assert {name: values["up"] for name, values in fields.items()} == {"eth0": False, "ppp0": True, "ppp1": False}


def test_containers_and_loopback_are_left_out_and_a_routers_bridge_is_not(machine: ProbeContext) -> None:
    for name in ("lo", "veth12ab", "docker0", "br-0123456789ab", "br-lan", "eth0", "wlan0"):
        _write(machine.root, name, 1, 1)
    (machine.root / "sys/class/net/bonding_masters").write_text("")
    assert set(_measure(InterfacesProbe(InterfacesSettings(), machine))) == {"br-lan", "eth0", "wlan0"}
    chosen = InterfacesSettings(include=("eth*", "lo"), exclude=())
    assert set(_measure(InterfacesProbe(chosen, machine))) == {"eth0", "lo"}


def test_this_machines_counters_are_those_the_kernel_shows(context: ProbeContext) -> None:
    before = psutil.net_io_counters(pernic=True, nowrap=False)["lo"]
    fields = _measure(InterfacesProbe(InterfacesSettings(include=("lo",), exclude=()), context))["lo"]
    after = psutil.net_io_counters(pernic=True, nowrap=False)["lo"]
    assert isinstance(fields["rx_bytes_total"], int)
    assert before.bytes_recv <= fields["rx_bytes_total"] <= after.bytes_recv
    assert set(fields) == {item.name for item in CATALOGUE["interfaces"].fields}


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=8))
@settings(max_examples=40)
def test_deltas_add_up_to_what_passed_whatever_the_counter_does(totals: list[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        probe = InterfacesProbe(InterfacesSettings(), ProbeContext(ManualClock(), Path(folder), Path(folder)))
        deltas = []
        for total in totals:
            _write(Path(folder), "eth0", total, 0)
            deltas.append(_measure(probe)["eth0"]["rx_bytes"])
    steps = itertools.pairwise(totals)
    assert deltas == [None, *(now - before if now >= before else now for before, now in steps)]
