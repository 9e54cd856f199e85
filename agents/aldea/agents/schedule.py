"""When each probe is due: at multiples of its period, all of one agent shifted by the same part of a cycle."""

from __future__ import annotations

from collections.abc import Mapping

_JITTER_SHARE = 0.1


class Schedule:
    """Due times in milliseconds since boot. Everything is due once at the start.

    `shift` (0 to 1) is the agent's own: fleets that were switched on together do not ask together. A round
    that was missed, because the machine slept or the one before took too long, is not made up for.
    """

    def __init__(self, every_ms: Mapping[str, int], shift: float) -> None:
        self._every_ms = dict(every_ms)
        self._shift_ms = int(shift * _JITTER_SHARE * min(self._every_ms.values(), default=0))
        self._due_ms: dict[str, int] = {}

    def due(self, mono_ms: int) -> list[str]:
        """Return what is due, and count it as done: each is next due at the following multiple of its period."""
        names = [name for name in self._every_ms if self._due_ms.get(name, mono_ms) <= mono_ms]
        for name in names:
            every = self._every_ms[name]
            self._due_ms[name] = ((mono_ms - self._shift_ms) // every + 1) * every + self._shift_ms
        return names

    def next_due_ms(self) -> int:
        """Return when something is due next; 0 before the first round."""
        return min(self._due_ms.values(), default=0)
