"""`clients`: how many devices are connected, and how many different ones there were today. Counts only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aldea.agents.probes.client_sources import Sighting, SourceFailed, look
from aldea.agents.probes.day_counter import DayCounter
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import ClientsSettings
    from aldea.model.sample import Value

LASTING_ROUNDS = 2.5


class ClientsProbe:
    """Asks every configured source; a device that several of them see is one device.

    A source that fails makes the whole round fail: a count without it would be too small, and would look true.
    """

    name = "clients"

    def __init__(self, settings: ClientsSettings, context: ProbeContext, every_seconds: float) -> None:
        self._sources = settings.sources
        self._context = context
        zone = None if settings.timezone is None else ZoneInfo(settings.timezone)
        self._counter = DayCounter(zone, LASTING_ROUNDS * every_seconds)
        self._tags = {"source": "+".join(sorted({source.kind for source in settings.sources}))}

    async def measure(self) -> Sequence[Reading]:
        """Return one reading; nothing when no source is configured."""
        if not self._sources:
            return []
        now_ms = self._context.clock.wall_ms()  # by which the machine stamps its leases
        try:
            seen = await asyncio.gather(*(look(source, self._context.root, now_ms) for source in self._sources))
        except SourceFailed as error:
            self._counter.missed()
            return [self._reading({"failure": error.failure.value})]
        return [self._reading({**self._counted(seen), "failure": None})]

    async def aclose(self) -> None:
        """Nothing is held but in memory."""

    def _counted(self, seen: Sequence[Sighting]) -> dict[str, Value]:
        present = frozenset().union(*(sighting.present for sighting in seen))
        leases = {address: ends for sighting in seen for address, ends in sighting.leases.items()}
        associated = len(present | leases.keys())
        now_ms = self._context.time_ms()
        if now_ms is None:
            # Which day it is, nobody knows; better no count than one of the wrong day.
            self._counter.missed()
            return {"associated": associated, "unique_today": None, "day": None}
        count = self._counter.sighted(now_ms, present, leases)
        return {
            "associated": associated,
            "unique_today": count.unique,
            "day": count.day.isoformat(),
            "covered_seconds": count.covered_seconds,
            "restarted": count.restarted,
        }

    def _reading(self, fields: dict[str, Value]) -> Reading:
        return Reading(self.name, fields, self._tags)
