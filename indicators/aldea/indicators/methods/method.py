"""What every method offers, and the arithmetic that several share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from aldea.indicators.cell import Cell
from aldea.indicators.duties import Reports
from aldea.indicators.statistics import response_bounds, wilson
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure


class Method(Protocol):
    """Works one figure out of a cell; its parameters are its fields."""

    @property
    def factor(self) -> float:
        """What numerator over denominator is multiplied by: 100 for percent."""
        ...

    @property
    def reach(self) -> Mapping[str, int]:
        """The forms that it reads, with how many days before the period its records may lie."""
        ...

    def figure(self, cell: Cell) -> Figure:
        """Return the figure."""
        ...


def ratio(numerator: float, denominator: float, factor: float) -> float | None:
    """Return `numerator / denominator * factor`, None where the denominator is zero."""
    return numerator * factor / denominator if denominator else None


def unknown_bounds(good: float, known: float, unknown: float, factor: float) -> tuple[float, float] | None:
    """Return what a share would be with all that is unknown bad, and all of it good."""
    whole = known + unknown
    return None if not whole else (good * factor / whole, (good + unknown) * factor / whole)


def share_of_persons(successes: int, answered: int, asked: int) -> Figure:
    """Return a share of persons who answered, with its interval, and with bounds for those who did not."""
    if not answered:
        return Figure(0, 0, None, 0, asked, n=0, notes=("no_answers",))
    low, high = wilson(successes, answered)
    bounds = response_bounds(successes, answered, asked)
    return Figure(
        successes,
        answered,
        successes * 100 / answered,
        answered,
        asked,
        bounds=(bounds[0] * 100, bounds[1] * 100),
        ci95=(low * 100, high * 100),
        n=answered,
    )


def reported(reports: Reports, *, entered: bool) -> Figure:
    """Return a figure with nothing but its coverage: what was owed, what came, and from how many sites.

    `entered`: there is at least one record, so that there is something to say even if nobody had to report.
    """
    owing, complete = reports.sites()
    missing = None if reports.owed or entered else Status.NOT_COLLECTED
    return Figure(
        observed=len(reports.came) if reports.owed else None,
        expected=len(reports.owed) if reports.owed else None,
        sites_reporting=len(complete),
        sites_expected=len(owing),
        missing=missing,
        notes=() if reports.owed or not entered else ("coverage_unknown",),
    )
