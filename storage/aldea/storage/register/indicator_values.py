"""Indicator values: stored by revision, read by area, period and programme.

While its period is open a value is replaced in place. Once closed it is never overwritten: a change makes a new
revision, with the positions of the feed that it was computed at.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, select, tuple_, update
from sqlalchemy import insert as plain_insert

from aldea.storage.register.errors import RegisterError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import CHUNK
from aldea.storage.register.tables import indicator_value

KEY = ("indicator", "area_level", "area_code", "programme", "disagg_key")
SAID = (
    "method_version",
    "value",
    "unit",
    "numerator",
    "denominator",
    "factor",
    "coverage",
    "bounds_low",
    "bounds_high",
    "ci_low",
    "ci_high",
    "n",
    "sites_reporting",
    "sites_expected",
    "evidence",
    "status",
    "notes",
)
ORDER = tuple(indicator_value.c[name] for name in ("period", "area_level", "area_code", "indicator", "programme", "id"))
PROVISIONAL, CANNOT_EXIST = "P", "M"


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
class Stored:
    """How many values were new, changed (revised or replaced), gone, and as before."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    same: int = 0


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


def put_values(
    unit: Unit,
    period: str,
    values: Iterable[IndicatorValue],
    *,
    simulated: bool,
    closing: bool,
    at_ms: int,
    positions: Mapping[str, int],
) -> Stored:
    """Store all that was computed for a period of one world, and say what that changed.

    `closing`: the period is over for good; each value that is not provisional is closed. What is stored and no
    longer computed goes: an open value is deleted, a closed one gets a revision that says so.
    """
    held = {_key(one): one for one in read_values(unit, ValueFilter(simulated, periods=[period], disagg=None))}
    inserted: list[IndicatorValue] = []
    replaced: list[tuple[int, IndicatorValue]] = []
    dropped: list[int] = []
    superseded: list[int] = []
    counts = {"new": 0, "changed": 0, "gone": 0, "same": 0}
    for value in values:
        closed = closing and value.status != PROVISIONAL
        made = replace(value, closed=closed, computed_at_ms=at_ms, positions=positions, newest=True)
        before = held.pop(_key(made), None)
        if before is None:
            counts["new"] += 1
            inserted.append(made)
        elif before.closed and _said(before) != _said(made):
            counts["changed"] += 1
            superseded.append(before.id)
            inserted.append(replace(made, revision=before.revision + 1, closed=True))
        elif not before.closed and (_said(before) != _said(made) or closed):
            counts["changed"] += 1
            replaced.append((before.id, replace(made, revision=before.revision)))
        else:
            counts["same"] += 1
    for before in held.values():
        if not before.closed:
            dropped.append(before.id)
        elif "no_longer_computed" not in before.notes:
            superseded.append(before.id)
            inserted.append(_vanished(before, at_ms, positions))
        else:
            continue
        counts["gone"] += 1
    _write(unit, inserted, replaced, dropped, superseded)
    return Stored(**counts)


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


def _write(
    unit: Unit,
    inserted: Sequence[IndicatorValue],
    replaced: Sequence[tuple[int, IndicatorValue]],
    dropped: Sequence[int],
    superseded: Sequence[int],
) -> None:
    table, execute = indicator_value, unit.connection.execute
    for first in range(0, len(dropped), CHUNK):
        execute(delete(table).where(table.c.id.in_(dropped[first : first + CHUNK])))
    for first in range(0, len(superseded), CHUNK):
        execute(update(table).where(table.c.id.in_(superseded[first : first + CHUNK])).values(newest=False))
    for key, value in replaced:
        execute(update(table).where(table.c.id == key).values(**_columns(value)))
    if inserted:
        execute(plain_insert(table), [_columns(value) for value in inserted])


def _vanished(before: IndicatorValue, at_ms: int, positions: Mapping[str, int]) -> IndicatorValue:
    return replace(
        before,
        value=None,
        numerator=None,
        denominator=None,
        coverage=None,
        bounds_low=None,
        bounds_high=None,
        n=None,
        ci_low=None,
        ci_high=None,
        status=CANNOT_EXIST,
        notes=("no_longer_computed",),
        revision=before.revision + 1,
        computed_at_ms=at_ms,
        positions=positions,
    )


def _key(value: IndicatorValue) -> tuple[str, ...]:
    return tuple(str(getattr(value, name)) for name in KEY)


def _said(value: IndicatorValue) -> tuple[Any, ...]:
    return tuple(getattr(value, name) for name in SAID)


def _columns(value: IndicatorValue) -> dict[str, Any]:
    names = [column.name for column in indicator_value.c if column.name != "id"]
    found = {name: getattr(value, name) for name in names}
    return found | {"disagg": dict(value.disagg), "notes": list(value.notes), "positions": dict(value.positions)}


def _values(unit: Unit, wanted: Select[Any]) -> list[IndicatorValue]:
    return [_value(row) for row in unit.connection.execute(wanted)]


def _value(row: Row[Any]) -> IndicatorValue:
    found = dict(row._mapping)
    del found["disagg_key"]
    return IndicatorValue(**found | {"notes": tuple(found["notes"])})
