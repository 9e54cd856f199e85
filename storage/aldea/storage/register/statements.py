"""The few statements that the two databases spell differently."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import JSON, ColumnElement, Table, Text, cast, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from aldea.storage.register.register import Unit

CHUNK = 1000
"""How many keys one `IN (…)` names at most."""


def insert(unit: Unit, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT, for the unit's database."""
    return postgresql.insert(table) if unit.is_postgresql else sqlite.insert(table)


def among(unit: Unit, column: ColumnElement[str], keys: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of `keys`, however many: they travel as one parameter."""
    text = json.dumps(sorted(keys))
    if unit.is_postgresql:
        each = func.json_array_elements_text(cast(literal(text, Text), JSON)).table_valued("value")
    else:
        each = func.json_each(text).table_valued("value")
    return column.in_(select(each.c.value))


def chunks(keys: Iterable[str]) -> Iterator[Sequence[str]]:
    """Cut `keys` into lists that fit one statement."""
    rest = iter(keys)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
