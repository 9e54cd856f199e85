"""The dates of a site's programmes, as the server tells them to its boxes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from aldea.model.sample import is_id

MOST_PROGRAMMES = 50
_NUMBERS = 999_983


@dataclass(frozen=True, slots=True, order=True)
class ProgrammeDates:
    """A programme's first and last day; `ends_on` None: it goes on."""

    id: str
    starts_on: date
    ends_on: date | None = None


def programmes_document(found: Iterable[ProgrammeDates]) -> list[dict[str, str | None]]:
    """Return the dates as they travel, by id; no more than MOST_PROGRAMMES."""
    return [
        {
            "id": one.id,
            "starts_on": one.starts_on.isoformat(),
            "ends_on": None if one.ends_on is None else one.ends_on.isoformat(),
        }
        for one in sorted(found)[:MOST_PROGRAMMES]
    ]


def programmes_number(document: Sequence[Mapping[str, Any]]) -> int:
    """Return a number from 1 that tells one document from another, by which a box says what it has; 0: nothing yet."""
    return 1 + zlib.crc32(json.dumps(document, sort_keys=True).encode()) % _NUMBERS


def read_programmes(document: object) -> dict[str, ProgrammeDates]:
    """Return the dates that a document holds, by id. Raises ValueError with a sentence."""
    if not isinstance(document, list) or len(document) > MOST_PROGRAMMES:
        raise ValueError(f"programmes must be a list of {MOST_PROGRAMMES} at most")
    found = [_programme(item) for item in document]
    return {one.id: one for one in found}


def _programme(item: object) -> ProgrammeDates:
    if not isinstance(item, Mapping) or not is_id(str(item.get("id"))):
        raise ValueError("a programme needs an id and its dates")
    name, ends = str(item["id"]), item.get("ends_on")
    try:
        first = date.fromisoformat(str(item.get("starts_on")))
        last = None if ends is None else date.fromisoformat(str(ends))
    except ValueError:
        raise ValueError(f"programme {name!r}: its dates are written such as 2025-11-03") from None
    return ProgrammeDates(name, first, last)
