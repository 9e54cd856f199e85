"""The catalogue: every indicator by its id, in the order of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aldea.indicators.catalogue import access, appropriation, usage, well_being
from aldea.indicators.indicator import Indicator

CATALOGUE: Final[Mapping[str, Indicator]] = MappingProxyType(
    {entry.id: entry for module in (access, usage, appropriation, well_being) for entry in module.ENTRIES}
)

__all__ = ["CATALOGUE", "Indicator"]
