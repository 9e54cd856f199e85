"""The API's documents about indicators."""

from __future__ import annotations

from pydantic import Field

from aldea.dashboard_api.schemas import Document, Parameters


class LanguageQuery(Parameters):
    """In which language."""

    lang: str | None = Field(None, max_length=10, description="`es` or `en`; left out: what `Accept-Language` says.")


class ValuesQuery(Parameters):
    """Which values."""

    area: str = Field(
        "all", max_length=120, description="`all`, `state:…`, `municipality:31079`, `site:…`, or a level."
    )
    period: str = Field("", max_length=10, description="`202506`, `2025Q2`, `2025`; left out: every one there is.")
    programme: str = Field("", max_length=80, description="A programme's id; left out: all together.")
    simulated: bool = Field(default=False, description="Simulated sites instead of real ones; never both.")
    setting: str = Field("rural", max_length=10, description="`rural` or `urban` sites; a roll-up never has both.")
    sex: str | None = Field(None, max_length=5, description="`F`, `M` or `O` (other, or not said).")
    age: str | None = Field(None, max_length=6, description="`6-14`, `15-24`, `25-44`, `45-64` or `65+`.")
    wave: str | None = Field(None, max_length=3, description="Months after the support: `6` or `12`.")
    evidence: str | None = Field(None, max_length=30, description="The series by another kind of evidence.")
    after: str | None = Field(None, max_length=39, description="The cursor: `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000, description="How many items at most.")
    lang: str | None = Field(None, max_length=10, description="`es` or `en`.")


class ThresholdDocument(Document):
    """From where on a value is good, and fair."""

    good: float
    fair: float
    source: str


class IndicatorDocument(Document):
    """An indicator of the catalogue."""

    id: str
    step: str = Field(description="`access`, `usage`, `appropriation` or `well_being`.")
    name: str
    definition: str
    formula: str
    numerator: str
    denominator: str
    unit: str
    direction: str
    evidence: list[str] = Field(description="Kinds of evidence; each is a series of its own.")
    method: str
    method_version: str
    inputs: list[str]
    time_rule: str
    space_rule: str
    disaggregations: dict[str, list[str]]
    threshold: ThresholdDocument | None
    source: str


class IndicatorsDocument(Document):
    """The catalogue."""

    items: list[IndicatorDocument]
    next: str | None


class AreaDocument(Document):
    """An area."""

    level: str
    code: str
    name: str


class ValueDocument(Document):
    """A value with all that says how far it can be believed. Null is missing; zero is a value."""

    indicator: str
    method_version: str
    area: AreaDocument
    period: str
    programme: str
    disagg: dict[str, str]
    simulated: bool
    value: float | None
    shown: str | None = Field(description="The value with one decimal, half up from the exact ratio.")
    unit: str
    numerator: float | None
    denominator: float | None
    coverage: float | None = Field(description="Percent of what was expected that was observed.")
    bounds: tuple[float, float] | None = Field(description="Where the value lies, whatever is missing.")
    ci95: tuple[float, float] | None
    n: int | None
    sites_reporting: int
    sites_expected: int
    evidence: str
    status: str = Field(description="SDMX: A normal, P provisional, U low reliability, O, Q, L, M: no value, and why.")
    notes: list[str]
    revision: int
    closed: bool
    computed: str | None


class ValuesDocument(Document):
    """Values, by period and area."""

    items: list[ValueDocument]
    next: str | None
