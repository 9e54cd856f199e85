"""The arithmetic of availability, as docs/truth.md states it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aldea.model.truth.states import TruthState

if TYPE_CHECKING:
    from aldea.model.truth.intervals import Interval


class Bounds(NamedTuple):
    """Where service availability lies whatever the unknown time was: all of it down, or all of it up."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Durations:
    """How long a site, or many together, were in each state, in milliseconds. Sums of these are exact.

    Time switched off when closed is in no numerator and no denominator. Ratios are None where nothing would
    be divided by.
    """

    up_ms: int = 0
    down_ms: int = 0
    planned_ms: int = 0
    off_ms: int = 0
    unknown_ms: int = 0

    def __add__(self, other: Durations) -> Durations:
        return Durations(
            self.up_ms + other.up_ms,
            self.down_ms + other.down_ms,
            self.planned_ms + other.planned_ms,
            self.off_ms + other.off_ms,
            self.unknown_ms + other.unknown_ms,
        )

    @property
    def total_ms(self) -> int:
        """All time, switched-off time included."""
        return self.expected_ms + self.off_ms

    @property
    def expected_ms(self) -> int:
        """The time in which service was expected: all but the time switched off."""
        return self.known_ms + self.unknown_ms

    @property
    def known_ms(self) -> int:
        """The expected time of which something is known."""
        return self.up_ms + self.down_ms + self.planned_ms

    @property
    def service_ratio(self) -> float | None:
        """Up over up and down: what a provider promises."""
        return _ratio(self.up_ms, self.up_ms + self.down_ms)

    @property
    def experienced_ratio(self) -> float | None:
        """Up over up, down and planned: what the village lived."""
        return _ratio(self.up_ms, self.known_ms)

    @property
    def coverage_ratio(self) -> float | None:
        """Known over expected time."""
        return _ratio(self.known_ms, self.expected_ms)

    @property
    def bounds(self) -> Bounds | None:
        """The least and the greatest service availability that the unknown time allows."""
        whole = self.up_ms + self.down_ms + self.unknown_ms
        if not whole:
            return None
        return Bounds(self.up_ms / whole, (self.up_ms + self.unknown_ms) / whole)


def durations_between(intervals: Iterable[Interval], from_ms: int, to_ms: int) -> Durations:
    """Add up the parts of `intervals` that lie from `from_ms` up to before `to_ms`."""
    sums = dict.fromkeys(TruthState, 0)
    for item in intervals:
        sums[item.state] += max(min(item.end_ms, to_ms) - max(item.start_ms, from_ms), 0)
    return Durations(*(sums[state] for state in TruthState))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
