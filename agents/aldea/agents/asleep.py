"""Notices that the machine was asleep (a lid that was closed, a virtual machine on hold) while the agent was at work.

Time since boot goes on meanwhile, the time that the machine was awake does not: the difference is how long it slept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.model.sample import Reading

if TYPE_CHECKING:
    from aldea.model.clock import Clock

LEAST_MS = 10_000
"""What is shorter keeps no round from being made."""

ASLEEP = "asleep"
"""The `reason` of a `not_recorded` row."""


class SleepWatch:
    """Compares the machine's two clocks each time it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart_ms = self._apart()

    def look(self, boot_id: str) -> Reading | None:
        """Return what is to be told when the machine has slept since it was asked last; it woke just now."""
        slept_ms = self._apart() - self._apart_ms
        self._apart_ms += slept_ms
        if slept_ms < LEAST_MS:
            return None
        now_ms = self._clock.mono_ms()
        return Reading(
            "not_recorded",
            {
                "from_mono_ms": now_ms - slept_ms,
                "to_mono_ms": now_ms,
                "boot_id": boot_id,
                "count": 0,
                "reason": ASLEEP,
            },
        )

    def _apart(self) -> int:
        return self._clock.mono_ms() - self._clock.awake_ms()
