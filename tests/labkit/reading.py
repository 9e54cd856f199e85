"""Small questions to rows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.model.sample import Value
    from labkit.box import Box
    from labkit.lab import Lab
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


def nothing_is_lost(lab: Lab, box: Box) -> None:
    """Every seq that the box has given is in the journal, but for what it recorded while it was being stopped."""
    spans = sorted((event.first_seq or 0, event.last_seq or 0) for event in lab.server.feed(box.site))
    assert spans[0][0] == 1
    for (_, last), (first, _) in pairwise(spans):
        assert first <= last + 1, f"seqs {last + 1} to {first - 1} are missing"
    assert spans[-1][1] >= box.last_seq() - box.waiting()
