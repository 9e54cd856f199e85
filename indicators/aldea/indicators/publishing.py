"""From a figure to a published value: coverage, withholding, reliability, and the status that says which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aldea.indicators.indicator import Indicator
from aldea.indicators.periods import Period
from aldea.indicators.statistics import reliability
from aldea.indicators.terms import Evidence, Status
from aldea.indicators.values import Area, Figure, Value

FULL = 0.8
HALF = 0.5
_RANK = (Status.NORMAL, Status.LOW_RELIABILITY, Status.WITHHELD)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs, and whether its period is still open."""

    area: Area
    period: Period
    programme: str
    disagg: Mapping[str, str]
    simulated: bool
    open: bool


def graded(ratio: float) -> Status:
    """Return what a coverage allows: from 80 % a value, from 50 % one of low reliability, below that none."""
    if ratio >= FULL:
        return Status.NORMAL
    return Status.LOW_RELIABILITY if ratio >= HALF else Status.WITHHELD


def judged(figure: Figure, evidence: Evidence, *, open_period: bool, survey: bool = False) -> tuple[Status, str]:
    """Return a figure's status, and a word for what the status can't say ('' for none)."""
    if figure.missing is not None:
        return figure.missing, ""
    if figure.expected == 0:
        return Status.CANNOT_EXIST, ""
    worst = _covered(figure)
    if open_period and evidence is not Evidence.MEASURED and worst is not Status.NORMAL:
        return Status.PROVISIONAL, "reports_still_due"
    if worst is Status.WITHHELD:
        return worst, ""
    if survey and (reason := _unreliable(figure)):
        return Status.SUPPRESSED, f"reliability {reason}"
    if open_period or figure.provisional:
        worst = Status.PROVISIONAL
    return (Status.CANNOT_EXIST if figure.value is None and not figure.provisional else worst), ""


def _unreliable(figure: Figure) -> str:
    if not figure.n or figure.numerator is None:
        return ""
    return reliability(figure.numerator / figure.n, figure.n).reason


def _covered(figure: Figure) -> Status:
    """Return the worse of what the coverage and the share of sites that report allow."""
    ratio = figure.coverage_ratio
    # Where nobody had to report, nothing says how much is missing.
    grades = [Status.LOW_RELIABILITY if ratio is None else graded(ratio)]
    if figure.sites_expected > 1:
        grades.append(graded(figure.sites_reporting / figure.sites_expected))
    return max(grades, key=_RANK.index)


def published(indicator: Indicator, evidence: Evidence, factor: float, figure: Figure, place: Place) -> Value:
    """Return the value as it is stored. What is withheld keeps its counts and bounds, and loses its value."""
    status, word = judged(figure, evidence, open_period=place.open, survey=indicator.survey)
    ratio = figure.coverage_ratio
    hidden = status in {Status.WITHHELD, Status.SUPPRESSED, Status.NOT_COLLECTED, Status.CANNOT_EXIST}
    return Value(
        indicator=indicator.id,
        method_version=indicator.method_version,
        area=place.area,
        period=place.period.code,
        programme=place.programme,
        value=None if hidden else figure.value,
        unit=indicator.unit,
        numerator=figure.numerator,
        denominator=figure.denominator,
        factor=factor,
        coverage=None if ratio is None else ratio * 100,
        bounds=figure.bounds,
        ci95=None if hidden else figure.ci95,
        n=figure.n,
        sites_reporting=figure.sites_reporting,
        sites_expected=figure.sites_expected,
        evidence=evidence,
        status=status,
        simulated=place.simulated,
        disagg=place.disagg,
        notes=tuple(note for note in (*figure.notes, word) if note),
    )
