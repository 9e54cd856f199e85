"""A provider in the test's own hands, instead of one on loopback."""

from __future__ import annotations

from dataclasses import dataclass, field

from aldea.alert_rules.notify.sending import TAKEN, Outcome, Parcel, SendFailure


@dataclass
class Provider:
    """A provider whose answer the test sets; it remembers what it was handed."""

    answer: Outcome = TAKEN
    parcels: list[Parcel] = field(default_factory=list)

    def send(self, parcel: Parcel) -> Outcome:
        self.parcels.append(parcel)
        return self.answer


AWAY = Outcome(SendFailure.UNREACHABLE, "connection refused")
