"""`aldea agent doctor` at the box: the first thing that is wrong is what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labkit import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from labkit.lab import Lab

pytestmark = pytest.mark.waiting


def test_the_doctor_finds_nothing_at_a_village_that_is_well(lab: Lab) -> None:
    told = lab.box().ask("doctor")
    assert told["check_first"] is None, told


@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (faults.cable_out, "cable"),
        (faults.gateway_silent, "router"),
        (faults.backhaul_cut, "link"),
        (faults.names_dead, "names"),
        (faults.captive_portal, "web"),
        (faults.server_down, "server"),
    ],
)
def test_the_doctor_names_the_first_wrong_thing(
    lab: Lab, fault: Callable[[Lab], AbstractContextManager[None]], first: str
) -> None:
    box = lab.box()
    with fault(lab):
        told = box.ask("doctor", code=1)
    assert told["check_first"] == first, told
