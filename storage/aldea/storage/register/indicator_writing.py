"""Stores what was computed for a period: open values are replaced, closed ones get a revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy import insert as plain_insert

from aldea.storage.register.indicator_values import KEY, IndicatorValue, ValueFilter, read_values
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import CHUNK
from aldea.storage.register.tables import indicator_value

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
NAMES = tuple(column.name for column in indicator_value.c if column.name != "id")
PROVISIONAL, CANNOT_EXIST = "P", "M"
_written = attrgetter(*NAMES)
_said = attrgetter(*SAID)


@dataclass(frozen=True, slots=True)
class Stored:
    """How many values were new, changed (revised or replaced), gone, and as before."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    same: int = 0


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


def _columns(value: IndicatorValue) -> dict[str, Any]:
    return dict(zip(NAMES, _written(value), strict=True)) | {"notes": list(value.notes)}
