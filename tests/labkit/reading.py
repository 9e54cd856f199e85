"""Small questions to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.model.sample import Value
    from labkit.server import Stored


def only(rows: Sequence[Stored], target: str) -> list[Stored]:
    """Return the rows of one target; there must be some, so that nothing is said of none."""
    found = [row for row in rows if row.tags.get("target") == target]
    assert found, f"no row of {target}"
    return found


def failures(rows: Sequence[Stored]) -> set[Value]:
    """Return the words of failure, None among them where something went well; there must be rows."""
    assert rows, "no rows"
    return {row.failure for row in rows}


def numbers(rows: Sequence[Stored], field: str) -> list[float]:
    """Return a field's numbers, of the rows that have it; there must be some."""
    found = [value for row in rows if isinstance(value := row.fields.get(field), int | float)]
    assert found, f"no row has {field}"
    return found
