"""What is said of which evidence: power and the box itself."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from agentkit.evidence import CUT, WELL, box, failing, first, host, named, states
from aldea.agents.checkup.evidence import Box
from aldea.agents.checkup.findings import State
from aldea.agents.checkup.folder import FolderError
from aldea.model.sample import Reading


def test_mains_power_that_is_out_is_the_very_first() -> None:
    found = replace(WELL, **CUT, power=[Reading("power", {"on_battery": True, "failure": None}, {"source": "ups"})])
    assert first(found) == "power"


def test_without_a_meter_power_is_not_known_and_never_guessed() -> None:
    assert states(replace(WELL, power=[]))["power"] is State.UNKNOWN
    silent = replace(WELL, power=[failing("power", "snmp_timeout", source="ups")])
    assert states(silent)["power"] is State.UNKNOWN


@pytest.mark.parametrize(
    ("ill", "words"),
    [
        (replace(box(), folder_error=FolderError("/data", errno.EROFS, "")), "the disk can only be read"),
        (box(disk_free_bytes=1_000_000), "1 MB are free"),
        (box(disk_used_ratio=0.995), "disk is full"),
        (box(memory_used_ratio=0.99), "memory is full"),
        (box(temperature_celsius=91.0), "91 °C"),
    ],
)
def test_a_box_that_is_ill_is_said_with_what_it_is(ill: Box, words: str) -> None:
    assert first(replace(WELL, box=ill)) == "box"
    assert words in named(replace(WELL, box=ill), "box").what.in_("en")


def test_a_supply_that_is_too_weak_is_power() -> None:
    assert first(replace(WELL, box=replace(box(), undervoltage=True))) == "power"


def test_a_clock_that_is_not_known_is_no_reason_to_go_anywhere() -> None:
    lost = Box(host(clock="unsynced"), None, undervoltage=False, knows_time=False)
    assert states(replace(WELL, box=lost))["clock"] is State.UNKNOWN
    full = replace(lost, folder_error=FolderError("/data", errno.ENOSPC, "No space left on device"))
    said = [named(replace(WELL, box=found), "clock").what.in_("en") for found in (lost, full)]
    assert ["measures" in text for text in said] == [True, False], "a box that cannot keep anything measures nothing"
    anchored = replace(lost, knows_time=True)
    assert states(replace(WELL, box=anchored))["clock"] is State.OK
