"""Small counts: which figures would point at a person, and which others would give those away by subtraction."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from aldea.indicators.terms import Disclosure

PUBLIC_N = 10
ANALYST_N = 5
SMALL = range(1, 5)
Key = TypeVar("Key", bound=Hashable)


def is_small(kind: Disclosure, numerator: float | None, denominator: float | None, *, analyst: bool = False) -> bool:
    """Say whether a figure of people must not be shown.

    In public: fewer than 10 persons, or 1 to 4 of them on either side. For an analyst who has signed in:
    fewer than 5 persons. Nobody at all is no secret.
    """
    if kind is Disclosure.NONE or not denominator:
        return False
    if analyst:
        return 0 < denominator < ANALYST_N
    if denominator < PUBLIC_N:
        return True
    if kind is Disclosure.RATE or numerator is None:
        return False
    return round(numerator) in SMALL or round(denominator - numerator) in SMALL


def suppressed_parts(counts: Sequence[float], *, least: int = PUBLIC_N, total_shown: bool = True) -> tuple[bool, ...]:
    """Say which parts of a total must be left out: those below `least`, and one more if just one would be solvable."""
    hidden = [0 < count < least for count in counts]
    others = [place for place, flag in enumerate(hidden) if not flag and counts[place] > 0]
    if total_shown and sum(hidden) == 1 and others:
        hidden[min(others, key=lambda place: counts[place])] = True
    return tuple(hidden)


def protected(sums: Iterable[Sequence[Key]], counts: Mapping[Key, float], small: AbstractSet[Key]) -> frozenset[Key]:
    """Return all that must be hidden so that no figure in `small` follows from the others.

    `sums` are lists of a total and the parts that make it up: where just one of a list is hidden, the others
    give it away, so that the smallest of them goes too.
    """
    lists = [[key for key in keys if counts.get(key, 0) > 0] for keys in sums]
    hidden = set(small)
    changed = True
    while changed:
        before = len(hidden)
        open_lists = []
        for keys in lists:
            if hidden.isdisjoint(keys):
                open_lists.append(keys)
                continue
            shown = [key for key in keys if key not in hidden]
            if len(keys) - len(shown) == 1 and shown:
                hidden.add(min(shown, key=counts.__getitem__))
        # A list with one hidden has two now, and no more of it is ever hidden for its own sake.
        lists, changed = open_lists, len(hidden) > before
    return frozenset(hidden)
