"""The closed lists of words that indicators and their values are described with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The four steps, in their order; none is ever inferred from the one before it."""

    ACCESS = "access"
    USAGE = "usage"
    APPROPRIATION = "appropriation"
    WELL_BEING = "well_being"


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEUTRAL = "neutral"


class Evidence(StrEnum):
    """How the value came to be known."""

    MEASURED = "measured"
    ADMINISTRATIVE = "administrative"
    SELF_REPORT = "self_report"
    ASSESSED = "assessed"
    EXTERNAL_EVALUATION = "external_evaluation"


class Status(StrEnum):
    """SDMX observation status: why a value is as it is, or why there is none."""

    NORMAL = "A"
    ESTIMATED = "E"
    PROVISIONAL = "P"
    SUPPRESSED = "Q"
    NOT_COLLECTED = "L"
    CANNOT_EXIST = "M"
    WITHHELD = "O"
    LOW_RELIABILITY = "U"


class TimeRule(StrEnum):
    """How a longer period is made."""

    SUMS = "T1"
    COVERED_DAYS = "T2"
    ORDER_STATISTIC = "T3"
    WAVE = "T4"
    COHORT = "T5"
    DISTINCT = "T6"


class SpaceRule(StrEnum):
    """How a larger area is made."""

    SUMS = "S1"
    SUM_OF_MEANS = "S2"
    ORDER_STATISTIC = "S3"
    POST_STRATIFIED = "S4"
    DISTINCT = "S5"


class Level(StrEnum):
    """How large an area is."""

    SITE = "site"
    MUNICIPALITY = "municipality"
    STATE = "state"
    ALL = "all"


class Setting(StrEnum):
    """Town or country: an urban site is in no rural roll-up and the other way round."""

    RURAL = "rural"
    URBAN = "urban"


class Disclosure(StrEnum):
    """Which small counts could point at a person."""

    NONE = "none"
    """Nothing is said of persons."""
    SHARE = "share"
    """Numerator and denominator both count persons: neither part, nor the rest, may be small."""
    RATE = "rate"
    """The denominator counts persons, the numerator something they did."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the languages that every entry has."""

    es: str
    en: str

    def said(self, language: str) -> str:
        """Return the text in `en`, or in Spanish for any other language."""
        return self.en if language == "en" else self.es
