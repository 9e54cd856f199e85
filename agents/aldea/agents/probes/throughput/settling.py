"""When a rate has settled, and what it is. Pure; the criterion and where it comes from: docs/throughput.md."""

from __future__ import annotations

import math
from collections.abc import Sequence

GROWTH_RATIO = 1.25
ROUNDS_WITHOUT_GROWTH = 3
LEAST_WINDOWS = 6
HALF_WIDTH_RATIO = 0.1
_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
          2.120, 2.110, 2.101, 2.093, 2.086)  # fmt: skip
_T_MANY = 2.05


class Settling:
    """Takes the bytes of one window after the other, all of about equal length.

    The start does not count: TCP is still finding the link's rate until no window in three has been a quarter
    faster than the fastest before, and what it overshot has to drain: of the windows since, up to half are left out,
    those without which the mean is known best (MSER: White, 1997). The rate is settled when the 95 % confidence
    interval of the others' mean is within ±10 % of it, and its two halves agree within 10 %; of six at least.
    """

    def __init__(self) -> None:
        self._windows: list[tuple[int, float]] = []
        self._fastest = 0.0
        self._rounds = 0
        self._began: int | None = None

    def add(self, count: int, seconds: float) -> None:
        """Take a window."""
        self._windows.append((count, seconds))
        if self._began is not None:
            return
        rate = count / seconds
        if rate > self._fastest * GROWTH_RATIO:
            self._fastest, self._rounds = rate, 0
        elif self._fastest > 0:
            self._rounds += 1
        if self._rounds >= ROUNDS_WITHOUT_GROWTH:
            # The rounds that showed no growth were at the full rate already.
            self._began = len(self._windows) - ROUNDS_WITHOUT_GROWTH

    @property
    def has_begun(self) -> bool:
        """Whether the start is over: TCP has found the link's rate."""
        return self._began is not None

    @property
    def is_settled(self) -> bool:
        """Whether the rate is known well enough."""
        rates = [count / seconds for count, seconds in self._counted()]
        if self._began is None or len(rates) < LEAST_WINDOWS:
            return False
        mean = sum(rates) / len(rates)
        if mean <= 0:
            return False
        half = len(rates) // 2
        drift = abs(_mean(rates[:half]) - _mean(rates[half:]))
        return _half_width(rates, mean) <= HALF_WIDTH_RATIO * mean and drift <= HALF_WIDTH_RATIO * mean

    @property
    def windows(self) -> int:
        """How many windows the rate is made of, all of them the last."""
        return len(self._counted() if self._began is not None else self._windows)

    @property
    def bits_per_second(self) -> float | None:
        """The rate without the start, or with it where there is nothing else; None before the first window."""
        counted = self._counted() if self._began is not None else self._windows
        seconds = sum(length for _, length in counted)
        return 8 * sum(count for count, _ in counted) / seconds if seconds > 0 else None

    @property
    def fastest_bits_per_second(self) -> float:
        """The fastest window's rate, 0 before the first: what the link can have under way."""
        return max((8 * count / seconds for count, seconds in self._windows), default=0.0)

    def _counted(self) -> list[tuple[int, float]]:
        if self._began is None:
            return []
        since = self._windows[self._began :]
        rates = [count / seconds for count, seconds in since]
        return since[min(range(len(rates) // 2 + 1), key=lambda left_out: _spread(rates[left_out:])) :]


def _spread(rates: Sequence[float]) -> float:
    """Return the squared error of the mean of these rates, as MSER has it."""
    mean = _mean(rates)
    return sum((rate - mean) ** 2 for rate in rates) / len(rates) ** 2


def _mean(rates: Sequence[float]) -> float:
    return sum(rates) / len(rates)


def _half_width(rates: Sequence[float], mean: float) -> float:
    """Return half the 95 % confidence interval of the mean, by Student's t."""
    degrees = len(rates) - 1
    variance = sum((rate - mean) ** 2 for rate in rates) / degrees
    t = _T_975[degrees - 1] if degrees <= len(_T_975) else _T_MANY
    return t * math.sqrt(variance / len(rates))
