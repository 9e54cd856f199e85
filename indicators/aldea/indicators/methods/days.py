"""Figures over local days on which devices were counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aldea.indicators.cell import Cell
from aldea.indicators.evidence import UsageDayLike
from aldea.indicators.methods.method import ratio, unknown_bounds
from aldea.indicators.methods.time import SITE_COVERAGE
from aldea.indicators.segments import Segment
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure

COUNTED = frozenset({"A", "U"})
"""A day with one of these has a count that was really made."""

DAY_COVERAGE = 0.8
"""So much of a day's opening hours must have been seen for its count to be the day's."""


def counts_of(segments: list[Segment]) -> list[int | None]:
    """Return each day's number of devices, None for a day that is not covered; zero is a count."""
    found: list[int | None] = []
    for segment in segments:
        for day in segment.days:
            usage = segment.usage.get(day)
            found.append(usage.unique_devices if usage is not None and _is_covered(usage) else None)
    return found


def _is_covered(usage: UsageDayLike) -> bool:
    seen = usage.covered_ratio
    return str(usage.status) in COUNTED and (seen is None or seen >= DAY_COVERAGE)


@dataclass(frozen=True, slots=True)
class ShareOfDays:
    """Days with at least so many devices, as a share of the days that are covered, summed over sites."""

    at_least: int
    factor: float = 100.0

    @property
    def reach(self) -> Mapping[str, int]:
        """No forms."""
        return {}

    def figure(self, cell: Cell) -> Figure:
        """Return the share, bounded by the days that are not covered."""
        sites = [counts_of(segments) for segments in cell.sites.values()]
        days = [count for counts in sites for count in counts]
        covered = [count for count in days if count is not None]
        used = sum(count >= self.at_least for count in covered)
        return Figure(
            used,
            len(covered),
            ratio(used, len(covered), self.factor),
            len(covered),
            len(days),
            unknown_bounds(used, len(covered), len(days) - len(covered), self.factor),
            sites_reporting=sum(_covered(counts) for counts in sites),
            sites_expected=sum(bool(counts) for counts in sites),
            missing=_not_counted(cell),
        )


@dataclass(frozen=True, slots=True)
class MeanOverDays:
    """The mean count over each site's covered days; an area's is the sum of its sites' means."""

    factor: float = 1.0

    @property
    def reach(self) -> Mapping[str, int]:
        """No forms."""
        return {}

    def figure(self, cell: Cell) -> Figure:
        """Return the sum of the means; a site without a covered day adds nothing, and lacks in the coverage."""
        sites = [counts_of(segments) for segments in cell.sites.values()]
        counted = [[count for count in counts if count is not None] for counts in sites]
        means = [sum(counts) / len(counts) for counts in counted if counts]
        one = counted[0] if len(counted) == 1 else None
        return Figure(
            sum(one) if one is not None else None,
            len(one) if one is not None else None,
            sum(means) if means else None,
            sum(len(counts) for counts in counted),
            sum(len(counts) for counts in sites),
            sites_reporting=sum(_covered(counts) for counts in sites),
            sites_expected=sum(bool(counts) for counts in sites),
            missing=_not_counted(cell),
        )


def _covered(counts: list[int | None]) -> bool:
    known = sum(count is not None for count in counts)
    return bool(counts) and known >= SITE_COVERAGE * len(counts)


def _not_counted(cell: Cell) -> Status | None:
    able = any(segment.site.measured and segment.site.sees_clients for segment in cell.active)
    return None if able or not cell.active else Status.NOT_COLLECTED
