"""The measurement catalogue: every measurement and field by name, unit, resolution and valid range.

Agents round to `decimals` before sending, the collector checks `minimum` and `maximum`, the pages take
titles from here. A field from a newer agent that is not listed is kept as it came.
"""

from __future__ import annotations

from aldea.model.catalogue.documents import DOCUMENTS
from aldea.model.catalogue.kinds import LONG_TEXT, SHORT_TEXT, Field, Kind, Measurement
from aldea.model.catalogue.link import LINK
from aldea.model.catalogue.own import OWN
from aldea.model.catalogue.village import VILLAGE

__all__ = ["CATALOGUE", "LONG_TEXT", "SHORT_TEXT", "Field", "Kind", "Measurement", "field_of", "is_document"]

CATALOGUE: dict[str, Measurement] = {item.name: item for item in (*LINK, *VILLAGE, *OWN, *DOCUMENTS)}


def field_of(measurement: str, name: str) -> Field | None:
    """Return the catalogue's entry for a field, or None when it is not listed."""
    entry = CATALOGUE.get(measurement)
    return None if entry is None else entry.field(name)


def is_document(measurement: str) -> bool:
    """Say whether rows of this measurement are for the register alone."""
    entry = CATALOGUE.get(measurement)
    return entry is not None and entry.document
