"""What a right can be limited to: the programmes and the federal states that there are."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

from aldea.storage.importing.states import STATES
from aldea.storage.register.grants import site_scopes
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.register import Unit


@dataclass(frozen=True, slots=True)
class Scopes:
    """The programmes, by id, and the regions, by name."""

    programmes: frozenset[str]
    regions: frozenset[str]


def known_scopes(unit: Unit, at_ms: int) -> Scopes:
    """Return the programmes that are registered or that a site is in, and every federal state."""
    held = site_scopes(unit, at_ms).values()
    programmes = {programme.id for programme in list_programmes(unit)}
    return Scopes(
        frozenset(programmes.union(*(names for names, _ in held))),
        frozenset({*STATES.values(), *(region for _, region in held if region)}),
    )


def closest(text: str, known: Collection[str]) -> str | None:
    """Return what was probably meant by `text`, None where nothing is near."""
    by_folded = {name.casefold(): name for name in sorted(known)}
    found = difflib.get_close_matches(text.casefold(), by_folded, 1)
    return by_folded[found[0]] if found else None
