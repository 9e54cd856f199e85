"""What a run of the simulator is decided by, and the places in time that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SLOT_MS = 5 * MINUTE_MS
SLOTS_AN_HOUR = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """The seed, when the villages were commissioned (milliseconds since 1970) and how many days of history follow.

    `live_ms` is where history ended when this plan was made; time goes on past it.
    """

    seed: int
    start_ms: int
    days: float

    @property
    def live_ms(self) -> int:
        """The end of the history that the plan was made with."""
        return self.start_ms + round(self.days * DAY_MS)


def plan_ending_at(now_ms: int, seed: int, days: float) -> Plan:
    """Return the plan of `days` of history up to now, started on a full five minutes."""
    start_ms = (now_ms - round(days * DAY_MS)) // SLOT_MS * SLOT_MS
    return Plan(seed, start_ms, days)
