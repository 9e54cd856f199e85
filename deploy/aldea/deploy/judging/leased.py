"""Work that only one process at a time may do, though several are ready to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.storage.register.leases import acquire, release

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.model.clock import Clock
    from aldea.storage.register import Register

TTL_MS = 120_000
"""Longer than any one step takes; a standby waits this long when the holder dies."""

RENEW_MS = 10_000


class Leased:
    """Does `work` while this process holds the lease called `name`, and nothing else meanwhile.

    The lease keeps two from working side by side by design, not by a fence: the work itself must bear being done
    again, as settling and computing do.
    """

    def __init__(self, register: Register, clock: Clock, name: str, holder: str, work: Callable[[], bool]) -> None:
        self._register = register
        self._clock = clock
        self._name = name
        self._holder = holder
        self._work = work
        self._until_ms = 0
        self._renewed_ms = 0

    def step(self) -> bool:
        """Work one step if the lease is ours; return whether there is more to do at once."""
        now = self._clock.wall_ms()
        if not 0 <= now - self._renewed_ms < RENEW_MS or now >= self._until_ms:
            with self._register.transaction() as unit:
                got = acquire(unit, self._name, self._holder, now, TTL_MS)
            self._until_ms = now + TTL_MS if got else 0
            self._renewed_ms = now
        return self._until_ms > now and self._work()

    def close(self) -> None:
        """Give the lease back, so that a standby need not wait."""
        if self._until_ms:
            self._until_ms = 0
            with self._register.transaction() as unit:
                release(unit, self._name, self._holder)
