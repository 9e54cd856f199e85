from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from aldea.agents.machine import RELEASED_MS, boot_id, clock_state, hardware_id
from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import HostSettings
from aldea.agents.probes.host import HostProbe
from aldea.model.catalogue import CATALOGUE
from aldea.model.clock import ClockState, ManualClock, SystemClock
from aldea.model.sample import Value

SERIAL = "10000000abcdef01"
MAC = "b8:27:eb:12:34:56"


def _put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def _card(root: Path, name: str, mac: str, *, where: str = "pci0", assigned: str = "0", physical: bool = True) -> None:
    folder = root / "sys/devices" / where / "net" / name
    _put(folder, "address", f"{mac}\n")
    _put(folder, "addr_assign_type", f"{assigned}\n")
    if physical:
        (folder / "device").mkdir()
    (root / "sys/class/net").mkdir(parents=True, exist_ok=True)
    (root / "sys/class/net" / name).symlink_to(folder)


def test_the_boot_id_is_the_kernels() -> None:
    assert boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_raspberry_pi_is_known_by_its_serial_number_which_does_not_leave(tmp_path: Path) -> None:
    _put(tmp_path, "proc/device-tree/serial-number", f"{SERIAL}\0")
    _card(tmp_path, "eth0", MAC)
    identity = hardware_id(tmp_path)
    assert identity is not None
    assert len(identity) == 16
    assert int(identity, 16) >= 0
    assert SERIAL not in identity
    _card(tmp_path, "eth1", "b8:27:eb:00:00:01")
    assert hardware_id(tmp_path) == identity


def test_another_board_has_another_id(tmp_path: Path) -> None:
    _put(tmp_path / "a", "proc/device-tree/serial-number", f"{SERIAL}\0")
    _put(tmp_path / "b", "proc/device-tree/serial-number", "10000000abcdef02\0")
    assert hardware_id(tmp_path / "a") != hardware_id(tmp_path / "b")


@pytest.mark.parametrize(
    "placeholder",
    ["To be filled by O.E.M.", "Default string", "00000000-0000-0000-0000-000000000000", "None", "", "123456789",
     "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "System Serial Number", "Not Specified"],
)  # fmt: skip
def test_a_makers_placeholder_is_nobodys_id(tmp_path: Path, placeholder: str) -> None:
    _put(tmp_path, "sys/class/dmi/id/product_uuid", f"{placeholder}\n")
    assert hardware_id(tmp_path) is None
    _put(tmp_path, "sys/class/dmi/id/board_serial", "PF1X2Y3Z\n")
    assert hardware_id(tmp_path) is not None


def test_a_network_adapter_that_is_plugged_in_changes_nothing(tmp_path: Path) -> None:
    _card(tmp_path, "eth0", MAC)
    before = hardware_id(tmp_path)
    _card(tmp_path, "wwan0", "02:50:f4:00:00:00", where="pci0/usb1")
    assert hardware_id(tmp_path) == before


def test_a_machine_with_plugged_in_adapters_only_is_known_by_those(tmp_path: Path) -> None:
    _card(tmp_path, "eth0", MAC, where="soc/usb1")
    assert hardware_id(tmp_path) is not None


def test_addresses_that_are_random_or_of_no_hardware_do_not_count(tmp_path: Path) -> None:
    _card(tmp_path, "wlan0", MAC, assigned="1")
    _card(tmp_path, "veth0", "b8:27:eb:12:34:57", physical=False)
    assert hardware_id(tmp_path) is None


def test_what_a_copied_card_brings_along_does_not_count(tmp_path: Path) -> None:
    _put(tmp_path, "etc/machine-id", "0123456789abcdef0123456789abcdef")
    assert hardware_id(tmp_path) is None


@pytest.mark.parametrize(
    ("wall_ms", "synchronised", "has_rtc", "state"),
    [
        (RELEASED_MS + 1, True, False, ClockState.NTP),
        (RELEASED_MS + 1, False, True, ClockState.RTC),
        (RELEASED_MS + 1, False, False, ClockState.UNSYNCED),
        (0, False, True, ClockState.UNSYNCED),
        (RELEASED_MS - 1, True, True, ClockState.UNSYNCED),
    ],
)
def test_the_clock_is_believed_as_far_as_it_deserves(
    tmp_path: Path, wall_ms: int, synchronised: bool, has_rtc: bool, state: ClockState
) -> None:
    if has_rtc:
        (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    assert clock_state(ManualClock(wall_ms=wall_ms), tmp_path, lambda: synchronised) is state


def test_the_real_kernel_answers_what_its_own_tool_answers() -> None:
    import subprocess

    from aldea.agents.machine import kernel_is_synchronised

    # The interpreter's own view of the same system call, made in another process by hand-laid bytes.
    script = (
        "import ctypes,struct;b=ctypes.create_string_buffer(512);r=ctypes.CDLL(None).adjtimex(b);"
        "s=struct.unpack_from('@Illlli',b)[5];print(int(0<=r<5 and not s&64))"
    )
    out = subprocess.run(["python3", "-c", script], capture_output=True, text=True, check=True)
    assert kernel_is_synchronised() == bool(int(out.stdout))


def _host(context: ProbeContext) -> dict[str, Value]:
    (reading,) = asyncio.run(HostProbe(HostSettings(), context).measure())
    assert set(reading.fields) == {item.name for item in CATALOGUE["host"].fields}
    return dict(reading.fields)


def test_this_machines_figures_agree_with_another_source(tmp_path: Path) -> None:
    fields = _host(ProbeContext(SystemClock(), data=tmp_path / "not" / "there" / "yet"))
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(tmp_path))
    assert fields["memory_total_bytes"] == memory.total
    assert fields["memory_used_ratio"] == pytest.approx(1 - memory.available / memory.total, abs=0.05)
    assert fields["disk_free_bytes"] == pytest.approx(disk.free, rel=0.05)
    assert fields["disk_used_ratio"] == pytest.approx(disk.percent / 100, abs=0.01)
    assert fields["uptime_seconds"] == pytest.approx(float(Path("/proc/uptime").read_text().split()[0]), abs=5)
    assert fields["clock"] in set(ClockState)
    assert fields["failure"] is None


def test_the_hottest_zone_is_the_temperature_and_a_loose_sensor_is_not(machine: ProbeContext) -> None:
    for number, value in enumerate(("48312", "61000", "-273000", "255000", "nonsense")):
        _put(machine.root, f"sys/class/thermal/thermal_zone{number}/temp", f"{value}\n")
    assert _host(machine)["temperature_celsius"] == 61.0


def test_what_the_machine_does_not_tell_is_none_and_never_zero(machine: ProbeContext) -> None:
    fields = _host(machine)
    assert fields["temperature_celsius"] is None
    assert fields["memory_total_bytes"] is None
    assert fields["memory_used_ratio"] is None
