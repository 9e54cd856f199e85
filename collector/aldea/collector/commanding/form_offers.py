"""What boxes are to know of records: newer forms, at the start and once a day, and changed dates of programmes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.storage.register.device_forms import offer_forms
from aldea.storage.register.device_programmes import offer_programmes

if TYPE_CHECKING:
    from aldea.model.clock import Clock
    from aldea.storage.register import Register

EVERY_MS = 86_400_000


class FormOffers:
    """Queues each newer form once for each box that told its own; several collectors queue it once together."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock
        self._offered_ms: int | None = None

    def step(self) -> bool:
        """Offer what is due. Raises RegisterUnavailableError to be tried again."""
        now_ms = self._clock.mono_ms()
        with self._register.transaction() as unit:
            offer_programmes(unit, self._clock.wall_ms())
        if self._offered_ms is not None and now_ms - self._offered_ms < EVERY_MS:
            return False
        with self._register.transaction() as unit:
            offer_forms(unit, self._clock.wall_ms())
        self._offered_ms = now_ms
        return False
