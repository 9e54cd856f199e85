"""Entries that hold from one time to another: putting a new one among those already there.

An entry says: from `valid_from_ms` (included) until `valid_to_ms` (excluded, or open) this was so. Entries
of one key never overlap. A change may be entered late, in the middle of what is already known: it then
holds until the next change that was already recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, Row, Table, and_, delete, or_, select, update
from sqlalchemy import insert as plain_insert

from aldea.storage.register.register import Unit


def holds_at(table: FromClause, at_ms: int | BindParameter[int]) -> ColumnElement[bool]:
    """Return the condition that an entry of `table` holds at `at_ms`."""
    return and_(table.c.valid_from_ms <= at_ms, or_(table.c.valid_to_ms.is_(None), table.c.valid_to_ms > at_ms))


def put_entry(unit: Unit, table: Table, key: Mapping[str, str], values: Mapping[str, Any], from_ms: int) -> bool:
    """Let `values` hold for `key` from `from_ms` on, and say whether anything changed.

    The entry in force is closed at `from_ms`; an entry that starts exactly then is corrected in place.
    The caller holds the site's lock.
    """
    before, same, after = _around(unit, table, key, from_ms)
    if same is not None:
        changed = _differs(same, values)
        if changed:
            unit.connection.execute(update(table).where(table.c.id == same.id).values(**values))
        return changed
    in_force = before if before is not None and _reaches(before, from_ms) else None
    if in_force is not None and not _differs(in_force, values):
        return False
    ends = [] if after is None else [int(after.valid_from_ms)]
    if in_force is not None:
        if in_force.valid_to_ms is not None:
            ends.append(int(in_force.valid_to_ms))
        _close(unit, table, in_force, from_ms)
    span = {"valid_from_ms": from_ms, "valid_to_ms": min(ends, default=None)}
    unit.connection.execute(plain_insert(table).values(**key, **values, **span))
    return True


def end_entry(unit: Unit, table: Table, key: Mapping[str, str], from_ms: int) -> bool:
    """Let nothing hold for `key` from `from_ms` until the next recorded change; say whether that is new."""
    before, same, _ = _around(unit, table, key, from_ms)
    if same is not None:
        unit.connection.execute(delete(table).where(table.c.id == same.id))
        return True
    if before is None or not _reaches(before, from_ms):
        return False
    _close(unit, table, before, from_ms)
    return True


def _around(
    unit: Unit, table: Table, key: Mapping[str, str], from_ms: int
) -> tuple[Row[Any] | None, Row[Any] | None, Row[Any] | None]:
    """Return the entries that start last before, exactly at, and first after `from_ms`."""
    mine = and_(*(table.c[name] == value for name, value in key.items()))
    start = table.c.valid_from_ms
    execute = unit.connection.execute
    before = execute(select(table).where(mine, start < from_ms).order_by(start.desc()).limit(1)).first()
    same = execute(select(table).where(mine, start == from_ms)).first()
    after = execute(select(table).where(mine, start > from_ms).order_by(start).limit(1)).first()
    return before, same, after


def _close(unit: Unit, table: Table, row: Row[Any], at_ms: int) -> None:
    unit.connection.execute(update(table).where(table.c.id == row.id).values(valid_to_ms=at_ms))


def _reaches(row: Row[Any], at_ms: int) -> bool:
    return row.valid_to_ms is None or row.valid_to_ms > at_ms


def _differs(row: Row[Any], values: Mapping[str, Any]) -> bool:
    return any(row._mapping[name] != value for name, value in values.items())
