"""What the plan is told and what it answers: the ladder of sizes, the terms, a test that may run, the month ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Rung(StrEnum):
    """The ladder, largest first."""

    FULL = "full"
    SHORT = "short"
    SMALL = "small"
    PING = "ping"


SIZES = (Rung.FULL, Rung.SHORT, Rung.SMALL)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the plan must keep to. `caps`: what a test of each size may cost at most, both directions."""

    monthly_bytes: int = 1_000_000_000
    hand_ratio: float = 0.1
    daily_bytes: int = 1_200_000
    caps: Mapping[Rung, int] = field(
        default_factory=lambda: {Rung.FULL: 20_000_000, Rung.SHORT: 6_000_000, Rung.SMALL: 1_000_000}
    )

    @property
    def hand_bytes(self) -> int:
        """What is kept for tests by hand."""
        return round(self.monthly_bytes * self.hand_ratio)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A test that may run now. Its whole cap is booked already."""

    rung: Rung
    cap_bytes: int
    by_hand: bool
    month: str
    at_peak: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """The month as it stands: bytes spent, expected at its end, and what scheduled tests may still spend."""

    spent_bytes: int
    forecast_bytes: int
    left_bytes: int
