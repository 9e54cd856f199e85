"""Values as the register keeps them, and back."""

from __future__ import annotations

from aldea.indicators.terms import Evidence, Level, Status
from aldea.indicators.values import Area, Value
from aldea.storage.register.indicator_values import IndicatorValue


def row_of(value: Value) -> IndicatorValue:
    """Return a computed value as it is stored."""
    low, high = value.bounds or (None, None)
    ci_low, ci_high = value.ci95 or (None, None)
    return IndicatorValue(
        indicator=value.indicator,
        method_version=value.method_version,
        area_level=value.area.level.value,
        area_code=value.area.code[:39],
        period=value.period,
        programme=value.programme,
        simulated=value.simulated,
        unit=value.unit,
        evidence=value.evidence.value,
        status=value.status.value,
        value=value.value,
        numerator=value.numerator,
        denominator=value.denominator,
        factor=value.factor,
        coverage=value.coverage,
        bounds_low=low,
        bounds_high=high,
        ci_low=ci_low,
        ci_high=ci_high,
        n=value.n,
        sites_reporting=value.sites_reporting,
        sites_expected=value.sites_expected,
        notes=value.notes,
        disagg=dict(value.disagg),
    )


def value_of(row: IndicatorValue) -> Value:
    """Return a stored value as it was computed."""
    return Value(
        indicator=row.indicator,
        method_version=row.method_version,
        area=Area(Level(row.area_level), row.area_code),
        period=row.period,
        programme=row.programme,
        value=row.value,
        unit=row.unit,
        numerator=row.numerator,
        denominator=row.denominator,
        factor=row.factor,
        coverage=row.coverage,
        bounds=_pair(row.bounds_low, row.bounds_high),
        ci95=_pair(row.ci_low, row.ci_high),
        n=row.n,
        sites_reporting=row.sites_reporting,
        sites_expected=row.sites_expected,
        evidence=Evidence(row.evidence),
        status=Status(row.status),
        simulated=row.simulated,
        disagg=row.disagg,
        notes=row.notes,
    )


def _pair(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
