"""Figures in words: steps, units, statuses and the reasons behind them, numbers with one decimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import format_skeleton
from babel.numbers import format_decimal

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.words import Language
from aldea.indicators.indicator import Indicator, Threshold
from aldea.indicators.periods import PeriodError, month_of
from aldea.indicators.stored import value_of
from aldea.indicators.terms import Direction, Evidence, Level, Status, Step
from aldea.storage.register.indicator_values import IndicatorValue

STEP_WORDS: Mapping[Step, tuple[str, str]] = {
    Step.ACCESS: (N_("Access"), N_("Is there a connection, and does it work?")),
    Step.USAGE: (N_("Usage"), N_("Is it used, and for something that matters?")),
    Step.APPROPRIATION: (N_("Appropriation"), N_("Do people learn to make it theirs?")),
    Step.WELL_BEING: (N_("Well-being"), N_("Is life better for it?")),
}
STATUS_WORDS: Mapping[str, tuple[str, str, str]] = {
    Status.NORMAL: (N_("Reliable"), "up", N_("At least 80 % of what was expected is known.")),
    Status.ESTIMATED: (N_("Estimated"), "suspect", N_("A part is estimated.")),
    Status.PROVISIONAL: (
        N_("Provisional"),
        "planned",
        N_("The period is not closed: it may still change."),
    ),
    Status.LOW_RELIABILITY: (N_("Low reliability"), "suspect", N_("Less than 80 % is known: read it with care.")),
    Status.WITHHELD: (N_("Withheld"), "unknown", N_("Less than half is known: only the bounds are given.")),
    Status.SUPPRESSED: (N_("Not shown"), "unknown", N_("It rests on too few people.")),
    Status.NOT_COLLECTED: (N_("Not collected"), "off", N_("Nothing is entered or measured for this here.")),
    Status.CANNOT_EXIST: (N_("Nothing to measure"), "off", N_("Nothing happened that could be measured.")),
}
NOTE_WORDS: Mapping[str, str] = {
    "coverage_unknown": N_("No programme says who has to report, so nobody knows how much is missing."),
    "reports_still_due": N_("Reports of this period may still come."),
    "cohort_open": N_("For some of those enrolled the 90 days are not over."),
    "no_events": N_("Nothing of the kind happened: it was reported so."),
    "no_answers": N_("Nobody has answered."),
    "unkeyed": N_("Some people were counted without a code, and are left out."),
    "population_missing": N_("The population aged 15 or more is not on file: add it to the site."),
    "population_incomplete": N_("Sites without a population on file are left out."),
    "population_by_group_missing": N_("The population of this group is not on file."),
    "few_persons": N_("So few people that the figure could point at somebody, or would give such a figure away."),
    "no_such_split": N_("A machine's figure cannot be split by persons."),
    "no_longer_computed": N_("What it rested on was withdrawn."),
    "reliability n<30": N_("Fewer than 30 answers."),
    "reliability width>=0.30": N_("The margin of error is too wide."),
    "reliability relative>130%": N_("The margin of error is too wide."),
}
UNIT_WORDS: Mapping[str, str] = {"percent": "%", "per_1000": N_("per 1,000"), "hours": N_("hours")}
EVIDENCE_WORDS: Mapping[str, str] = {
    Evidence.MEASURED: N_("Measured by the sites' devices"),
    Evidence.ADMINISTRATIVE: N_("From the programme's records"),
    Evidence.SELF_REPORT: N_("As the people asked say"),
    Evidence.ASSESSED: N_("Verified by somebody"),
    Evidence.EXTERNAL_EVALUATION: N_("From an external evaluation"),
}
LIGHTS: Mapping[str, str] = {"good": N_("good"), "fair": N_("fair"), "poor": N_("low")}


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar, in percent of its width."""

    at: str
    width: str


@dataclass(frozen=True, slots=True)
class FigureShown:
    """A value ready for a template. `value` None: there is none, and `reason` says why."""

    status: str
    status_word: str
    pill: str
    value: str | None
    unit: str
    counts: str
    coverage: str
    bar: Bar | None
    sites: str
    bounds: str
    span: Bar | None
    interval: str
    reasons: tuple[str, ...]
    light: str
    light_word: str
    evidence: str


class FigureWriter:
    """Writes figures in one language."""

    def __init__(self, shown: Shown, language: Language) -> None:
        self._shown = shown
        self._locale = language.formats
        self.code = language.code

    def figure(self, entry: Indicator, row: IndicatorValue | None) -> FigureShown:
        """Return a value in words; None is one that was never worked out."""
        if row is None:
            row = _absent(entry)
        word, pill, reason = STATUS_WORDS[row.status]
        say, value = self._shown.say, value_of(row)
        notes = [say(NOTE_WORDS[note]) for note in row.notes if note in NOTE_WORDS]
        incomplete = row.coverage is not None and row.coverage < 99.95
        bounded = value.bounds is not None and (incomplete or row.status == Status.WITHHELD)
        low, high = value.bounds or (0.0, 0.0)
        light = _light(entry.threshold, entry.direction, row)
        return FigureShown(
            status=row.status,
            status_word=say(word),
            pill=pill,
            value=None if value.shown is None else self.decimal(Decimal(value.shown)),
            unit=self.unit(row.unit),
            counts=self._counts(entry, row),
            coverage="" if row.coverage is None else self.decimal(row.coverage) + " %",
            bar=None if row.coverage is None else Bar("0%", f"{min(row.coverage, 100):.1f}%"),
            sites=self._sites(row),
            bounds=self._between(low, high, row.unit) if bounded else "",
            span=Bar(f"{low:.1f}%", f"{max(high - low, 1):.1f}%") if bounded and row.unit == "percent" else None,
            interval=self._interval(value.ci95),
            reasons=tuple(notes or [say(reason)]),
            light=light,
            light_word=say(LIGHTS[light]) if light else "",
            evidence=say(EVIDENCE_WORDS[row.evidence]),
        )

    def say(self, text: str) -> str:
        """Return a text in the language."""
        return self._shown.say(text)

    def decimal(self, value: float | Decimal) -> str:
        """Return a number with one decimal, half up."""
        exact = value if isinstance(value, Decimal) else Decimal(repr(round(value, 9)))
        return str(format_decimal(exact.quantize(Decimal("0.1"), "ROUND_HALF_UP"), "#,##0.0", locale=self._locale))

    def count(self, value: float) -> str:
        """Return a count; of minutes and hours, no more than a tenth."""
        rounded = int(value) if value == round(value) else round(value, 1)
        return str(format_decimal(rounded, "#,##0.#", locale=self._locale))

    def unit(self, unit: str) -> str:
        """Return a unit in words."""
        return self._shown.say(UNIT_WORDS[unit]) if unit in UNIT_WORDS else unit

    def period(self, code: str) -> str:
        """Return a period's name."""
        try:
            month = month_of(code)
        except PeriodError:
            return code
        return str(format_skeleton("yMMMM", date(month.year, month.month, 1), locale=self._locale))

    def brief_period(self, code: str) -> str:
        """Return a period as it fits under a mark of an axis."""
        try:
            month = month_of(code)
        except PeriodError:
            return code
        return str(format_skeleton("MMM", date(month.year, month.month, 1), locale=self._locale))

    def _counts(self, entry: Indicator, row: IndicatorValue) -> str:
        if row.numerator is None or row.denominator is None:
            return ""
        parts = {
            "numerator": f"{self.count(row.numerator)} {entry.numerator.said(self.code)}",
            "denominator": f"{self.count(row.denominator)} {entry.denominator.said(self.code)}",
        }
        return self._shown.say(N_("%(numerator)s of %(denominator)s")) % parts

    def _sites(self, row: IndicatorValue) -> str:
        if not row.sites_expected or row.area_level == Level.SITE:
            return ""
        parts = {"count": row.sites_reporting, "all": row.sites_expected}
        return self._shown.say(N_("%(count)s of %(all)s sites report")) % parts

    def _interval(self, pair: tuple[float, float] | None) -> str:
        return "" if pair is None else self._between(*pair, "percent")

    def _between(self, low: float, high: float, unit: str) -> str:
        parts = {"low": self.decimal(low), "high": f"{self.decimal(high)} {self.unit(unit)}"}
        return self._shown.say(N_("%(low)s to %(high)s")) % parts


def _absent(entry: Indicator) -> IndicatorValue:
    return IndicatorValue(
        entry.id,
        entry.method_version,
        "all",
        "all",
        "",
        "",
        simulated=False,
        unit=entry.unit,
        evidence=entry.evidence.value,
        status=Status.NOT_COLLECTED.value,
    )


def _light(threshold: Threshold | None, direction: Direction, row: IndicatorValue) -> str:
    """Return whether a value is good, fair or poor; '' where nothing says, or where it is not to be relied on."""
    if threshold is None or row.value is None:
        return ""
    sign = -1 if direction is Direction.LOWER else 1
    if sign * row.value >= sign * threshold.good:
        return "good"
    return "fair" if sign * row.value >= sign * threshold.fair else "poor"
