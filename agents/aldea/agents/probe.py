"""What a probe is, and how one is run: bounded in time, and never with an exception."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aldea.agents.budget.meter import Meter
from aldea.agents.machine import clock_state
from aldea.model.clock import ClockState
from aldea.model.failures import Failure
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aldea.model.clock import Clock

log = logging.getLogger(__name__)


class Probe(Protocol):
    """One kind of check. It knows neither site nor wall time, and keeps what it needs between rounds."""

    @property
    def name(self) -> str:
        """The probe's name in the registry, and the measurement it returns."""
        ...

    async def measure(self) -> Sequence[Reading]:
        """Measure once. A measurement that fails is a reading with a `failure`, not an exception."""
        ...

    async def aclose(self) -> None:
        """Give back what is held between rounds. Nothing is measured afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """What probes get from the agent besides their settings.

    `root` is where /proc, /sys and /etc are; `data` the folder whose disk counts. `anchored_ms` returns the time by
    this boot's anchor, None while it has none. `meter` counts what the agent itself puts on the link; `by_hand`: a
    person asked for this round.
    """

    clock: Clock
    data: Path
    root: Path = Path("/")
    anchored_ms: Callable[[], int | None] | None = None
    meter: Meter = field(default_factory=Meter)
    by_hand: bool = False

    def time_ms(self) -> int | None:
        """Return the time as well as this machine knows it, milliseconds since 1970; None while it does not.

        By the boot's anchor wherever there is one: a wall clock that jumps, or is a year off, then does not matter.
        """
        known = None if self.anchored_ms is None else self.anchored_ms()
        if known is not None:
            return known
        return None if clock_state(self.clock, self.root) is ClockState.UNSYNCED else self.clock.wall_ms()


@dataclass(frozen=True, slots=True)
class ScheduledProbe:
    """A probe with its rhythm, and the time after which a round is given up."""

    probe: Probe
    every_seconds: float
    timeout_seconds: float


async def run_probe(probe: Probe, timeout_seconds: float) -> Sequence[Reading]:
    """Measure once, within `timeout_seconds`. Never raises, except when it is cancelled itself.

    A round that takes longer is one reading with `probe_timeout`; an exception (a fault in the probe)
    is logged and becomes one with `probe_crashed`.
    """
    try:
        async with asyncio.timeout(timeout_seconds) as limit:
            return await probe.measure()
    except Exception as error:  # one probe's fault must not stop the others
        if limit.expired() and isinstance(error, TimeoutError):
            log.warning("probe %s took longer than %g s", probe.name, timeout_seconds)
            return [Reading(probe.name, {"failure": Failure.PROBE_TIMEOUT.value})]
        log.exception("probe %s crashed", probe.name)
        return [Reading(probe.name, {"failure": Failure.PROBE_CRASHED.value})]
