"""Proportions with their intervals, order statistics, and whether a survey's figure can be shown.

Sources: E. B. Wilson (1927); C. Clopper and E. Pearson (1934); the continued fraction of the incomplete beta
function and its evaluation after W. Lentz (1976), as in the NIST Digital Library of Mathematical Functions
§8.17; the presentation standard for proportions of the US National Center for Health Statistics (2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Z95 = 1.959963984540054
Interval = tuple[float, float]


def wilson(successes: float, n: float, z: float = Z95) -> Interval:
    """Return Wilson's interval of a proportion, both ends 0 to 1. `n` may be an effective size, above 0."""
    _check(successes, n)
    p, zz = successes / n, z * z
    scale = 1 + zz / n
    centre = (p + zz / (2 * n)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    return low, 1.0 if successes == n else min(1.0, centre + half)


@lru_cache(maxsize=16_384)
def clopper_pearson(successes: float, n: float, alpha: float = 0.05) -> Interval:
    """Return the exact interval of a proportion, both ends 0 to 1.

    Kept, because villages have the same small counts over and over, and the two ends cost milliseconds.
    """
    _check(successes, n)
    rest = n - successes
    low = 0.0 if successes == 0 else beta_quantile(alpha / 2, successes, rest + 1)
    high = 1.0 if rest == 0 else beta_quantile(1 - alpha / 2, successes + 1, rest)
    return low, high


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return the value below which a Beta(a, b) variable lies with probability `p`, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(64):
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    # The fraction converges fast only below the mean; above it the mirror image does.
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _beta_fraction(x, a, b) / a
    return 1 - math.exp(log_front) * _beta_fraction(1 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + term * d, tiny)
            c = _away_from_zero(1 + term / c, tiny)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _away_from_zero(value: float, tiny: float) -> float:
    return tiny if abs(value) < tiny else value


def reached_by(values: Sequence[float], percent: int) -> float:
    """Return the value that at least `percent` of the observations reach: a measured one, never between two."""
    ordered = sorted(values, reverse=True)
    return ordered[_rank(len(ordered), percent)]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest observation at or below which `percent` of them lie."""
    return sorted(values)[_rank(len(values), percent)]


def _rank(n: int, percent: int) -> int:
    if not n or not 0 < percent <= 100:
        raise ValueError(f"an order statistic needs observations and a percentage of 1 to 100, not {n} and {percent}")
    return -(-percent * n // 100) - 1


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether a proportion from a sample can be shown; `width` and `relative` are ratios of its exact interval."""

    reason: str
    width: float
    relative: float
    review_complement: bool = False

    @property
    def shown(self) -> bool:
        """Whether it can be shown; else `reason` says why not."""
        return not self.reason


def reliability(p: float, n: float) -> Reliability:
    """Judge a proportion `p` of an effective sample of `n` by the width of its exact interval."""
    low, high = clopper_pearson(p * n, n)
    width = high - low
    relative = math.inf if p == 0 else width / p
    complement = math.inf if p == 1 else width / (1 - p)
    reason = ""
    if n < 30:
        reason = "n<30"
    elif width >= 0.30:
        reason = "width>=0.30"
    elif width > 0.05 and relative > 1.3:
        reason = "relative>130%"
    return Reliability(reason, width, relative, not reason and complement > 1.3)


def response_bounds(successes: float, answered: float, asked: float) -> Interval:
    """Return what a proportion would be if all who were silent had said no, and if all had said yes."""
    if not 0 <= successes <= answered <= asked or not asked:
        raise ValueError(f"{successes} yes of {answered} answers of {asked} asked can't be")
    return successes / asked, (successes + asked - answered) / asked


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of a population with its sample: `yes` of `n` asked, standing for `population` persons."""

    population: float
    n: int
    yes: int


@dataclass(frozen=True, slots=True)
class Weighted:
    """A post-stratified proportion with its standard error, effective size and Wilson interval, as ratios."""

    value: float
    standard_error: float
    effective_n: float
    wilson95: Interval


def post_stratified(strata: Sequence[Stratum]) -> Weighted:
    """Weight each part by its population (variance with n - 1). Each needs two persons, together a spread."""
    total = sum(part.population for part in strata)
    value = variance = 0.0
    for part in strata:
        weight, p = part.population / total, part.yes / part.n
        value += weight * p
        variance += weight * weight * p * (1 - p) / (part.n - 1)
    if not variance:
        raise ValueError("a sample without any spread has no effective size")
    effective = value * (1 - value) / variance
    return Weighted(value, math.sqrt(variance), effective, wilson(value * effective, effective))


def _check(successes: float, n: float) -> None:
    if n <= 0 or not -1e-9 <= successes <= n + 1e-9:
        raise ValueError(f"{successes} of {n} is no proportion")
