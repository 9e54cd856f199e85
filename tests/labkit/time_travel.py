"""The lab's time: the world's, plus what was let pass. Days need not be waited for.

Only the server's programs read it directly. A process is given it by a time namespace, whose CLOCK_BOOTTIME is
the lab's time since that machine began.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from aldea.model.clock import SystemClock


@dataclass(slots=True)
class LabClock:
    """A clock for the server's side. `passed_seconds` was let pass."""

    passed_seconds: int = 0
    _system: SystemClock = field(default_factory=SystemClock)

    def wall_ms(self) -> int:
        """Milliseconds since 1970."""
        return self._system.wall_ms() + 1000 * self.passed_seconds

    def mono_ms(self) -> int:
        """Milliseconds since the server booted."""
        return self._system.mono_ms() + 1000 * self.passed_seconds

    def awake_ms(self) -> int:
        """Milliseconds since the server booted: it never sleeps."""
        return self.mono_ms()

    def began(self, seconds_ago: int = 0) -> int:
        """Return when a machine began that has been running for so long: whole seconds since the lab's own boot."""
        return round(self.mono_ms() / 1000) - seconds_ago

    def offset_for(self, began_seconds: int) -> int:
        """Return what to add to this machine's time since boot, so that it is that of a machine begun then."""
        return self.passed_seconds - began_seconds


def in_its_time(offset_seconds: int) -> list[str]:
    """Return the prefix that runs a command in a time namespace and a mount namespace of its own."""
    return ["unshare", "--mount", "--time", "--boottime", str(offset_seconds), "--"]


def boot_seconds() -> float:
    """Return this machine's time since boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
