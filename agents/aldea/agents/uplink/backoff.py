"""How long to wait before the next attempt to connect."""

from __future__ import annotations

from random import Random

from aldea.model.checks import is_loopback


class Backoff:
    """Full jitter: a random time up to a limit that doubles with each failure, so that a fleet spreads out.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. A broker on this machine has no
    fleet to fear, and is tried again soon.
    """

    def __init__(self, host: str, random: Random) -> None:
        self._first_ms, self._longest_ms = (250, 2_000) if is_loopback(host) else (5_000, 600_000)
        self._random = random
        self._failures = 0

    def next_ms(self) -> int:
        """Return the pause before the next attempt."""
        limit = min(self._longest_ms, self._first_ms << min(self._failures, 16))
        self._failures += 1
        return round(self._random.uniform(0, limit))

    def succeeded(self) -> None:
        """Start over: the connection held."""
        self._failures = 0
