"""Means over single events, zeros included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aldea.indicators.cell import Cell
from aldea.indicators.duties import NOTHING
from aldea.indicators.methods.method import ratio, reported
from aldea.indicators.terms import Status
from aldea.indicators.values import Figure


@dataclass(frozen=True, slots=True)
class MeanPerEvent:
    """The total of a quantity over the number of events that tell it; an event with zero counts."""

    form: str
    items: str
    quantity: str
    factor: float = 1.0

    @property
    def reach(self) -> Mapping[str, int]:
        """The form, with a day in the period."""
        return {self.form: 92}

    def figure(self, cell: Cell) -> Figure:
        """Return the mean."""
        events = [
            float(item[self.quantity])
            for record in cell.entered(self.form)
            for item in record.payload.get(self.items) or ()
            if isinstance(item.get(self.quantity), int | float) and cell.chooses(item)
        ]
        zeros = any(record.payload.get("form") == self.form for record in cell.entered(NOTHING))
        base = reported(cell.reports({self.form}), entered=bool(events) or zeros)
        if base.missing is not None:
            return base
        total = sum(events)
        found = replace(base, numerator=total, denominator=len(events), n=len(events))
        if not events:
            return replace(found, missing=_none_came(base), notes=(*base.notes, "no_events"))
        return replace(found, value=ratio(total, len(events), self.factor))


def _none_came(base: Figure) -> Status | None:
    """With every report in there was nothing to take a mean of; with none, its coverage says so."""
    return None if base.expected and not base.observed else Status.CANNOT_EXIST
