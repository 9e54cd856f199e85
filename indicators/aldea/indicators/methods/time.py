"""Shares of time, and shares of sites that were up for enough of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aldea.indicators.cell import Cell
from aldea.indicators.methods.method import ratio, unknown_bounds
from aldea.indicators.segments import Segment
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure

MINUTE_MS = 60_000
KNOWN = ("up", "down", "planned")
SITE_COVERAGE = 0.5
"""A site of which less is known does not report."""


class Spent(NamedTuple):
    """Milliseconds: in the states that count as good, in those it is a share of, known, and expected."""

    good: int
    of: int
    known: int
    expected: int

    @property
    def covered(self) -> bool:
        """Whether enough is known of it."""
        return self.expected > 0 and self.known >= SITE_COVERAGE * self.expected


def spent(segments: Iterable[Segment], good: Sequence[str], of: Sequence[str]) -> Spent:
    """Add up. Time that was switched off as agreed is in nothing; what no evidence tells of is expected only."""
    totals = [0, 0, 0, 0]
    for segment in segments:
        known = segment.known_ms
        totals[0] += sum(known.get(state, 0) for state in good)
        totals[1] += sum(known.get(state, 0) for state in of)
        totals[2] += sum(known.get(state, 0) for state in KNOWN)
        totals[3] += segment.elapsed_ms - known.get("off", 0)
    return Spent(*totals)


@dataclass(frozen=True, slots=True)
class ShareOfTime:
    """Time in some states as a share of the time in others, summed over sites (minutes)."""

    good: tuple[str, ...]
    of: tuple[str, ...]
    factor: float = 100.0

    @property
    def reach(self) -> Mapping[str, int]:
        """No forms."""
        return {}

    def figure(self, cell: Cell) -> Figure:
        """Return the share, bounded by what is not known."""
        sites = [spent(segments, self.good, self.of) for segments in cell.sites.values()]
        expected = [one for one in sites if one.expected > 0]
        total = Spent(*(sum(column) for column in zip(*expected, strict=True))) if expected else Spent(0, 0, 0, 0)
        return Figure(
            total.good / MINUTE_MS,
            total.of / MINUTE_MS,
            ratio(total.good, total.of, self.factor),
            total.known / MINUTE_MS,
            total.expected / MINUTE_MS,
            unknown_bounds(total.good, total.of, total.expected - total.known, self.factor),
            sites_reporting=sum(one.covered for one in expected),
            sites_expected=len(expected),
            missing=_not_measured(cell),
        )


@dataclass(frozen=True, slots=True)
class ShareOfSites:
    """Sites that were good for at least a part of their known time, as a share of all in service, by month.

    A site of which too little is known stays in the denominator, and makes the upper bound.
    """

    good: tuple[str, ...]
    of: tuple[str, ...]
    at_least: float = 0.5
    factor: float = 100.0

    @property
    def reach(self) -> Mapping[str, int]:
        """No forms."""
        return {}

    def figure(self, cell: Cell) -> Figure:
        """Return the share, bounded by the sites that are not known."""
        found: dict[tuple[str, str], list[Segment]] = {}
        for segment in cell.active:
            found.setdefault((segment.site.id, segment.month.code), []).append(segment)
        months = {key: spent(segments, self.good, self.of) for key, segments in found.items()}
        months = {key: one for key, one in months.items() if one.expected > 0}
        known = {key: one for key, one in months.items() if one.covered and one.of}
        operational = sum(one.good >= self.at_least * one.of for one in known.values())
        return site_share(
            operational,
            len(known),
            len(months),
            self.factor,
            sites_reporting=len({site for site, _ in known}),
            sites_expected=len({site for site, _ in months}),
            missing=_not_measured(cell),
        )


def site_share(
    operational: int,
    known: int,
    active: int,
    factor: float = 100.0,
    *,
    sites_reporting: int,
    sites_expected: int,
    missing: Status | None = None,
) -> Figure:
    """Return operational sites as a share of all active ones, whether known or not."""
    return Figure(
        operational,
        active,
        ratio(operational, active, factor),
        known,
        active,
        unknown_bounds(operational, known, active - known, factor),
        sites_reporting=sites_reporting,
        sites_expected=sites_expected,
        missing=missing,
    )


def _not_measured(cell: Cell) -> Status | None:
    measured = any(segment.site.measured for segment in cell.active)
    return None if measured or not cell.active else Status.NOT_COLLECTED
