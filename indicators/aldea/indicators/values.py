"""A published value with all that says how far it can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from aldea.indicators.terms import Evidence, Level, Setting, Status

EVERYWHERE = "all"


@dataclass(frozen=True, slots=True, order=True)
class Area:
    """A place that figures are given for: its level and its code (a site's id, an INEGI code, a state's name)."""

    level: Level
    code: str = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Figure:
    """What a method finds; the rules about coverage and publishing come after it.

    `value` is in the indicator's unit. `observed` of `expected` is the coverage, None where nothing says what to
    expect. `missing`: there can be no value, and why. `survey`: a proportion whose interval decides whether it is
    shown. `persons`: how many persons' doings it tells of.
    """

    numerator: float | None = None
    denominator: float | None = None
    value: float | None = None
    observed: float | None = None
    expected: float | None = None
    bounds: tuple[float, float] | None = None
    ci95: tuple[float, float] | None = None
    n: int | None = None
    sites_reporting: int = 0
    sites_expected: int = 0
    missing: Status | None = None
    provisional: bool = False
    notes: tuple[str, ...] = ()

    @property
    def coverage_ratio(self) -> float | None:
        """Observed over expected, None where nothing is expected."""
        if self.observed is None or not self.expected:
            return None
        return self.observed / self.expected


@dataclass(frozen=True, slots=True)
class Value:
    """The envelope. `coverage`, `bounds` and `ci95` are in percent or in the unit of `value`.

    `factor`: what numerator over denominator is multiplied by (100 for percent). `notes`: words of a closed list
    that say what the status can't.
    """

    indicator: str
    method_version: str
    area: Area
    period: str
    programme: str
    value: float | None
    unit: str
    numerator: float | None
    denominator: float | None
    factor: float
    coverage: float | None
    bounds: tuple[float, float] | None
    ci95: tuple[float, float] | None
    n: int | None
    sites_reporting: int
    sites_expected: int
    evidence: Evidence
    status: Status
    simulated: bool
    disagg: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def setting(self) -> Setting:
        """Whether it is a figure of villages or of towns."""
        return Setting(self.disagg.get("setting", Setting.RURAL))

    @property
    def shown(self) -> str | None:
        """The value with one decimal, rounded half up from the exact ratio; None where there is none."""
        if self.value is None:
            return None
        return str(one_decimal(self.value, self.numerator, self.denominator, self.factor))


def one_decimal(
    value: float, numerator: float | None = None, denominator: float | None = None, factor: float = 1
) -> Decimal:
    """Return a value with one decimal, half up; from the exact ratio where numerator and denominator are known."""
    exact = Decimal(repr(value))
    if numerator is not None and denominator:
        exact = Decimal(repr(numerator)) * Decimal(repr(factor)) / Decimal(repr(denominator))
    rounded = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return rounded or Decimal("0.0")
