"""What the agent must have recorded of each fault, and what is settled of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.lab import Lab


def test_a_village_that_is_well_says_so(lab: Lab) -> None:
    box = lab.box().start()
    since = lab.now_ms()
    box.sends("snmp", 3, since)
    box.sends("http", 4, since)
    box.stop()
    box.delivers()
