"""How often something may be asked for: some times at once, and then one more from time to time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from aldea.model.clock import Clock


@dataclass(slots=True)
class Allowance:
    """`most` at once, and one more `each_ms`. By the time since boot; used by several threads."""

    clock: Clock
    most: int
    each_ms: int
    _left: float = field(init=False)
    _at_ms: int = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left = float(self.most)
        self._at_ms = self.clock.mono_ms()

    def begin_with(self, left: float, at_ms: int) -> None:
        """Go on from what was left at a time since boot."""
        with self._lock:
            self._left, self._at_ms = min(float(self.most), left), at_ms

    def left(self) -> float:
        """Return how many there are now."""
        with self._lock:
            return self._filled()

    def take(self) -> bool:
        """Use one up; return False where there is none."""
        with self._lock:
            if self._filled() < 1:
                return False
            self._left -= 1
            return True

    def spend(self) -> None:
        """Use one up, or what is left of it."""
        with self._lock:
            self._left = max(0.0, self._filled() - 1)

    def _filled(self) -> float:
        now_ms = self.clock.mono_ms()
        self._left = min(float(self.most), self._left + (now_ms - self._at_ms) / self.each_ms)
        self._at_ms = now_ms
        return self._left
