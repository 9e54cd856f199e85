"""An entry of the catalogue: what an indicator is, how it is worked out, and by which rules it is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aldea.indicators.methods import METHODS, Method
from aldea.indicators.terms import Direction, Disclosure, Evidence, SpaceRule, Step, TimeRule, Words

SITE_MARKS = ("programme", "state", "municipality", "setting")
"""What every figure can be split by, because it is true of a site."""

SEX: Mapping[str, Sequence[str]] = {"sex": ("F", "M", "O")}
PERSON: Mapping[str, Sequence[str]] = {**SEX, "age_band": ("6-14", "15-24", "25-44", "45-64", "65+")}


@dataclass(frozen=True, slots=True)
class Threshold:
    """From where on a value is good, and from where on fair; and who says so."""

    good: float
    fair: float
    source: Words


@dataclass(frozen=True, slots=True)
class Variant:
    """The same indicator by another kind of evidence: a series of its own, never mixed with the first."""

    evidence: Evidence
    method: Method


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator. `name` and `definition` are for readers; `numerator` and `denominator` say what is counted.

    `inputs`: what it is worked out from, in words of the docs. `marks`: what persons can be told apart by; empty
    where it tells of machines, so that a split by sex or age cannot exist. `survey`: a proportion from people
    whose interval decides whether it is shown.
    """

    id: str
    step: Step
    name: Words
    definition: Words
    formula: Words
    numerator: Words
    denominator: Words
    unit: str
    direction: Direction
    evidence: Evidence
    method: Method
    inputs: tuple[str, ...]
    time_rule: TimeRule
    space_rule: SpaceRule
    method_version: str
    source: Words
    threshold: Threshold | None = None
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    disclosure: Disclosure = Disclosure.NONE
    survey: bool = False
    variants: tuple[Variant, ...] = ()

    @property
    def method_name(self) -> str:
        """The method's name in the registry."""
        return next(name for name, kind in METHODS.items() if isinstance(self.method, kind))

    def series(self) -> Sequence[tuple[Evidence, Method, Mapping[str, str]]]:
        """Return (evidence, method, disaggregation) of the main series and of each variant."""
        more = [(one.evidence, one.method, {"evidence": one.evidence.value}) for one in self.variants]
        return [(self.evidence, self.method, {}), *more]
