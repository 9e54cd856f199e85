"""What the sources of power share: the fields they give, and how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aldea.model.failures import Failure
    from aldea.model.sample import Value

HIGHEST = {
    "battery_charge_ratio": 1.0,
    "battery_voltage_volts": 1_000.0,
    "input_voltage_volts": 1_000.0,
    "runtime_seconds": 3_900_000.0,  # 65,535 minutes is how 16 bits say "unknown"
    "on_battery_seconds": 10_000_000.0,
    "uptime_seconds": 4_000_000_000.0,
}
"""No supply of a village is beyond this; a value that is means "unknown", or another unit."""

_WHOLE = {"runtime_seconds", "on_battery_seconds", "uptime_seconds"}
LIVE_VOLTS = 50.0
"""A line with this much is not dead; below it there is at most what leaks in from elsewhere."""


class PowerFailed(Exception):
    """A source did not answer; `failure` is the word for it, `fields` what it said before."""

    def __init__(self, failure: Failure, message: str, fields: Mapping[str, Value] | None = None) -> None:
        super().__init__(message)
        self.failure = failure
        self.fields = fields or {}


def believable(numbers: Mapping[str, float | None]) -> dict[str, Value]:
    """Return those numbers that can be: devices say "unknown" with -1, or give tenths where volts are due."""
    found: dict[str, Value] = {}
    for field, number in numbers.items():
        if number is not None and 0 <= number <= HIGHEST[field]:
            found[field] = round(number) if field in _WHOLE else round(number, 4)
    return found
