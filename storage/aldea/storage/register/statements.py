"""The few statements that the two databases spell differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from aldea.storage.register.register import Unit

CHUNK = 1000
"""How many keys one `IN (…)` names at most."""


def insert(unit: Unit, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT, for the unit's database."""
    return postgresql.insert(table) if unit.is_postgresql else sqlite.insert(table)


def chunks(keys: Iterable[str]) -> Iterator[Sequence[str]]:
    """Cut `keys` into lists that fit one statement."""
    rest = iter(keys)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
