"""What the pages may ask of the box, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aldea.agents.checkup.folder import FolderError
from aldea.agents.page.latest import LatestReadings
from aldea.agents.page.recorded import UplinkState
from aldea.agents.page.repairing import Repairing
from aldea.agents.page.rounds import CheckRounds, SpeedRounds
from aldea.agents.records import Desk
from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be delivered: rows, and the oldest one's time where it is known."""

    rows: int
    oldest_ms: int | None


def _none() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxView:
    """The box as its pages see it. `known_ms` returns the time where something vouches for it, else None.

    `waiting` returns None while the outbox cannot be read, `records` is None where records cannot be kept.
    `without_outbox`: the outbox cannot be opened, so that nothing is measured and nothing sent. `trouble` returns why
    what is measured cannot be kept now, None where it can; `folder_error` then says more. `opening_ms`: since when,
    by the time since boot, what is stored has been being opened; None once it is, or where that failed.
    """

    settings: AgentSettings
    clock: Clock
    version: str
    known_ms: Callable[[], int | None]
    latest: LatestReadings
    uplink: Callable[[], UplinkState]
    waiting: Callable[[], Waiting | None]
    checks: CheckRounds
    speed: SpeedRounds
    repairing: Repairing
    records: Desk | None = None
    without_outbox: bool = False
    opening_ms: int | None = None
    trouble: Callable[[], str | None] = _none
    folder_error: Callable[[], FolderError | None] = _none

    def time_of(self, mono_ms: int) -> int | None:
        """Return the time of a moment since boot, None while the time is not known."""
        now_ms = self.known_ms()
        return None if now_ms is None else now_ms - (self.clock.mono_ms() - mono_ms)
