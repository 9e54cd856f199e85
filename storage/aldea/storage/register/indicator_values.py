"""Indicator values: stored by revision, read by area, period and programme.

While its period is open a value is replaced in place. Once closed it is never overwritten: a change makes a new
revision, with the positions of the feed that it was computed at.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select, tuple_

from aldea.storage.register.errors import RegisterError
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import indicator_value

KEY = ("indicator", "area_level", "area_code", "programme", "disagg_key")
ORDER = tuple(indicator_value.c[name] for name in ("period", "area_level", "area_code", "indicator", "programme", "id"))


@dataclass(frozen=True, slots=True)
class IndicatorValue:
    """A value with its place (area, period, programme, disaggregation) and all that says how far it holds.

    `coverage`, `bounds` and `ci` are in the unit of `value`, or in percent. `closed`: no longer replaced.
    """

    indicator: str
    method_version: str
    area_level: str
    area_code: str
    period: str
    programme: str
    simulated: bool
    unit: str
    evidence: str
    status: str
    value: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    factor: float = 1.0
    coverage: float | None = None
    bounds_low: float | None = None
    bounds_high: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    sites_reporting: int = 0
    sites_expected: int = 0
    notes: tuple[str, ...] = ()
    disagg: Mapping[str, str] = field(default_factory=dict)
    revision: int = 1
    closed: bool = False
    newest: bool = True
    computed_at_ms: int = 0
    positions: Mapping[str, int] = field(default_factory=dict)
    id: int = 0

    @property
    def disagg_key(self) -> str:
        """The disaggregation as canonical text; empty for none."""
        return disagg_key(self.disagg)


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """Which values; what is left out does not restrict. `disagg` '' is the whole, None is every split."""

    simulated: bool
    indicators: Collection[str] | None = None
    periods: Collection[str] | None = None
    level: str | None = None
    codes: Collection[str] | None = None
    programme: str | None = None
    disagg: str | None = ""


def disagg_key(disagg: Mapping[str, str]) -> str:
    """Return a disaggregation as text that is the same however it was written."""
    return json.dumps(dict(disagg), sort_keys=True, ensure_ascii=False, separators=(",", ":")) if disagg else ""


def read_values(
    unit: Unit, only: ValueFilter, *, limit: int | None = None, after: int | None = None
) -> list[IndicatorValue]:
    """Return the newest revisions by period, area, indicator and programme, from behind the value with id `after`.

    Raises RegisterError when there is no value with that id any more.
    """
    wanted = select(indicator_value).where(*_conditions(only)).order_by(*ORDER).limit(limit)
    if after is not None:
        last = unit.connection.execute(select(*ORDER).where(indicator_value.c.id == after)).first()
        if last is None:
            raise RegisterError("after is no cursor, or its value was replaced meanwhile: begin anew without it")
        wanted = wanted.where(tuple_(*ORDER) > tuple_(*last))
    return _values(unit, wanted)


def value_revisions(unit: Unit, value: IndicatorValue) -> list[IndicatorValue]:
    """Return every revision of the value that stands at the same place, oldest first."""
    table = indicator_value
    same = [table.c[name] == getattr(value, name) for name in (*KEY, "period", "simulated")]
    return _values(unit, select(table).where(*same).order_by(table.c.computed_at_ms, table.c.id))


def known_periods(unit: Unit, *, simulated: bool, still_open: bool = False) -> tuple[str, ...]:
    """Return the codes of the periods there are values of, in order; or only of those with a value not closed."""
    table = indicator_value
    wanted = select(table.c.period).where(table.c.simulated == simulated, table.c.newest)
    if still_open:
        wanted = wanted.where(table.c.closed.is_(False))
    return tuple(unit.connection.execute(wanted.distinct().order_by(table.c.period)).scalars())


def _conditions(only: ValueFilter) -> list[ColumnElement[bool]]:
    table = indicator_value
    found = [table.c.simulated == only.simulated, table.c.newest.is_(True)]
    several = {"indicator": only.indicators, "period": only.periods, "area_code": only.codes}
    found += [table.c[name].in_(list(wanted)) for name, wanted in several.items() if wanted is not None]
    one = {"area_level": only.level, "programme": only.programme, "disagg_key": only.disagg}
    found += [table.c[name] == wanted for name, wanted in one.items() if wanted is not None]
    return found


def _values(unit: Unit, wanted: Select[Any]) -> list[IndicatorValue]:
    return [_value(row) for row in unit.connection.execute(wanted)]


def _value(row: Row[Any]) -> IndicatorValue:
    found = dict(row._mapping)
    del found["disagg_key"]
    return IndicatorValue(**found | {"notes": tuple(found["notes"])})
