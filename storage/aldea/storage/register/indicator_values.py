"""Indicator values: stored by revision, read by area, period and programme.

While its period is open a value is replaced in place. Once closed it is never overwritten: a change makes a new
revision, with the positions of the feed that it was computed at.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_

from aldea.model.said import Said
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
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


class PersonCount(NamedTuple):
    """Of how many persons a stored value tells: what has to be known of all values before one may be shown.

    A tuple, because thousands are read for a figure.
    """

    indicator: str
    period: str
    area_level: str
    area_code: str
    programme: str
    disagg_key: str
    n: int | None
    numerator: float | None
    denominator: float | None


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
    # Of one indicator and period, the index of values' identity has the order too: no more is read than is returned.
    in_order = limit is not None and all(
        found is not None and len(found) == 1 for found in (only.indicators, only.periods)
    )
    wanted = select(indicator_value).where(*_conditions(only, in_order=in_order)).order_by(*ORDER).limit(limit)
    if after is not None:
        last = unit.connection.execute(select(*ORDER).where(indicator_value.c.id == after)).first()
        if last is None:
            raise RegisterError(
                Said(
                    "after is no cursor, or its value was replaced meanwhile: begin anew without it",
                    "after no es un cursor, o su valor se reemplazó mientras tanto: empezar de nuevo sin él",
                )
            )
        wanted = wanted.where(tuple_(*ORDER) > tuple_(*last))
    return _values(unit, wanted)


def read_person_counts(
    unit: Unit,
    indicators: Collection[str],
    periods: Collection[str],
    level: str,
    codes: Collection[str] | None = None,
    *,
    simulated: bool,
) -> list[PersonCount]:
    """Return the counts of the newest values of one level that tell of any person; of some areas, or of all."""
    only = ValueFilter(simulated, indicators, periods, level, disagg=None)
    wanted = select(*(indicator_value.c[name] for name in PersonCount._fields)).where(indicator_value.c.n > 0)
    asked = [None] if codes is None else list(chunks(sorted(codes)))
    found: list[PersonCount] = []
    for part in asked:
        rows = unit.connection.execute(wanted.where(*_conditions(replace(only, codes=part)))).all()
        found += map(PersonCount._make, rows)
    return found


def find_value(unit: Unit, value_id: int) -> IndicatorValue | None:
    """Return the value with an id, of whatever revision; None where there is none."""
    found = _values(unit, select(indicator_value).where(indicator_value.c.id == value_id))
    return found[0] if found else None


def value_revisions(unit: Unit, value: IndicatorValue) -> list[IndicatorValue]:
    """Return every revision of the value that stands at the same place, oldest first."""
    table = indicator_value
    same = [table.c[name] == getattr(value, name) for name in (*KEY, "period", "simulated")]
    return _values(unit, select(table).where(*same).order_by(table.c.computed_at_ms, table.c.id))


def known_periods(unit: Unit, *, simulated: bool, still_open: bool = False) -> tuple[str, ...]:
    """Return the codes of the periods there are values of, in order; or only of those with a value not closed."""
    table = indicator_value
    mine = [table.c.simulated == simulated, table.c.newest.is_(True)]
    if still_open:
        wanted = select(table.c.period).where(*mine, table.c.closed.is_(False)).distinct().order_by(table.c.period)
        return tuple(unit.connection.execute(wanted).scalars())
    # From each period to the next one in the index: a DISTINCT would read every value there is.
    least = select(func.min(table.c.period).label("period"))
    steps = least.where(*mine).cte("steps", recursive=True)
    following = least.where(*mine, table.c.period > steps.c.period).correlate(steps).scalar_subquery()
    steps = steps.union_all(select(following).where(steps.c.period.is_not(None)))
    wanted = select(steps.c.period).where(steps.c.period.is_not(None)).order_by(steps.c.period)
    return tuple(unit.connection.execute(wanted).scalars())


def _conditions(only: ValueFilter, *, in_order: bool = False) -> list[ColumnElement[bool]]:
    """Return the conditions, worded so that the index fits that finds the fewest rows.

    With areas named that is the one of values' identity. SQLite, which keeps no statistics here, would take the
    index by world and period for as good, and look at each site's value: unless that one's first column is asked
    for as an expression.
    """
    table = indicator_value
    of_areas = only.level is not None and (only.codes is not None or only.level != "site" or in_order)
    world = func.coalesce(table.c.simulated, only.simulated) if of_areas else table.c.simulated
    found: list[ColumnElement[bool]] = [world == only.simulated, table.c.newest.is_(True)]
    several = {"indicator": only.indicators, "period": only.periods, "area_code": only.codes}
    found += [table.c[name].in_(list(wanted)) for name, wanted in several.items() if wanted is not None]
    one = {"area_level": only.level, "programme": only.programme, "disagg_key": only.disagg}
    found += [table.c[name] == wanted for name, wanted in one.items() if wanted is not None]
    return found


def _values(unit: Unit, wanted: Select[Any]) -> list[IndicatorValue]:
    return [_value(row) for row in unit.connection.execute(wanted).all()]


def _value(row: Row[Any]) -> IndicatorValue:
    found = dict(row._mapping)
    del found["disagg_key"]
    return IndicatorValue(**found | {"notes": tuple(found["notes"])})
