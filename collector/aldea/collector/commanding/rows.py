"""A row for the register, as it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aldea.model.sample import Value


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document with its place in the device's outbox. `event_ms`: when it was said, None while nobody knows."""

    site: str
    device: str
    epoch: str
    seq: int
    event_ms: int | None
    arrival_ms: int
    measurement: str
    fields: Mapping[str, Value]

    @property
    def at_ms(self) -> int:
        """When it was said, as well as is known; never later than it arrived."""
        return self.arrival_ms if self.event_ms is None else min(self.event_ms, self.arrival_ms)
