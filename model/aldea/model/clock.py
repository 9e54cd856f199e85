"""Time as a dependency: whoever needs it takes a Clock, and tests hand in one that they move."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Protocol


class ClockState(StrEnum):
    """How far a machine's wall clock can be believed."""

    UNSYNCED = "unsynced"
    RTC = "rtc"
    NTP = "ntp"


class Clock(Protocol):
    """Where time comes from. Milliseconds everywhere, as integers."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z by the machine's wall clock, which may be wrong."""
        ...

    def mono_ms(self) -> int:
        """Milliseconds since this machine booted, sleep included. Never goes back within a boot."""
        ...

    def awake_ms(self) -> int:
        """Milliseconds that this machine was awake, from any beginning: it stands still while the machine sleeps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970 by the system's wall clock."""
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Milliseconds since boot (CLOCK_BOOTTIME, so suspended time counts)."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def awake_ms(self) -> int:
        """Milliseconds of CLOCK_MONOTONIC, which leaves suspended time out."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000


class ManualClock:
    """A clock that stands still until it is moved: for tests, simulations and rehearsals."""

    def __init__(self, wall_ms: int = 1_750_000_000_000, mono_ms: int = 100_000) -> None:
        self._wall_ms = wall_ms
        self._mono_ms = mono_ms
        self._slept_ms = 0

    def wall_ms(self) -> int:
        """Return the set wall time."""
        return self._wall_ms

    def mono_ms(self) -> int:
        """Return the set time since boot."""
        return self._mono_ms

    def awake_ms(self) -> int:
        """Return the set time since boot without what `sleep` let pass."""
        return self._mono_ms - self._slept_ms

    def advance(self, milliseconds: int) -> None:
        """Let time pass: both clocks move on."""
        self._wall_ms += milliseconds
        self._mono_ms += milliseconds

    def sleep(self, milliseconds: int) -> None:
        """Let the machine sleep: time passes, but not for what runs on it."""
        self.advance(milliseconds)
        self._slept_ms += milliseconds

    def step_wall(self, milliseconds: int) -> None:
        """Let the wall clock jump, as NTP or a person would; time since boot is not touched."""
        self._wall_ms += milliseconds

    def reboot(self, wall_ms: int | None = None) -> None:
        """Start a new boot: time since boot is zero, the wall clock says `wall_ms` if given."""
        self._mono_ms = self._slept_ms = 0
        if wall_ms is not None:
            self._wall_ms = wall_ms
