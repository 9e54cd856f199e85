"""The runner: asks each probe in its rhythm, and stores what comes within a cycle in one commit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakSet

from aldea.agents.asleep import SleepWatch
from aldea.agents.budget import Meter, wan_bytes_of
from aldea.agents.changes import ChangeWatch
from aldea.agents.follow_up import FollowUp
from aldea.agents.footprint import footprint
from aldea.agents.outbox import Outbox, OutboxUnavailable
from aldea.agents.probe import Probe, ScheduledProbe, run_probe
from aldea.agents.probe_log import ProbeLog, ProbeState
from aldea.agents.schedule import Schedule
from aldea.model.clock import Clock
from aldea.model.failures import Failure
from aldea.model.intervals import Range
from aldea.model.sample import Reading

_LOG = logging.getLogger(__name__)
_FOOTPRINT = "agent"
_FOOTPRINT_EVERY_MS = 3_600_000
_LONGEST_SLEEP_SECONDS = 30.0

Recorded = Callable[[bool], None]
"""Told after each commit, and whether it is urgent."""

Seen = Callable[[Sequence[Reading], int], None]
"""Shown what was recorded, and its time since boot."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was measured together; `mono_ms` is the time since boot that it is recorded with."""

    readings: Sequence[Reading]
    mono_ms: int
    urgent: bool = False


class Runner:
    """Runs probes and records their readings. `shift` (0 to 1) is this agent's place within a cycle."""

    def __init__(
        self,
        outbox: Outbox,
        probes: Sequence[ScheduledProbe],
        clock: Clock,
        recorded: Recorded,
        shift: float = 0.0,
        meter: Meter | None = None,
        seen: Seen | None = None,
    ) -> None:
        self._outbox = outbox
        self._probes = {item.probe.name: item for item in probes}
        self._clock = clock
        self._meter = meter or Meter()
        self._recorded = recorded
        self._seen = seen
        every = {name: max(1, round(item.every_seconds * 1000)) for name, item in self._probes.items()}
        self._schedule = Schedule({**every, _FOOTPRINT: _FOOTPRINT_EVERY_MS}, shift)
        self._changes = ChangeWatch()
        self._follow_up = FollowUp(outbox, clock.mono_ms())
        self._asleep = SleepWatch(clock)
        self._overslept: WeakSet[asyncio.Task[Sequence[Reading]]] = WeakSet()
        self._running: dict[str, asyncio.Task[Sequence[Reading]]] = {}
        self._by_hand: dict[str, asyncio.Task[Sequence[Reading]]] = {}
        self._unstored: deque[_Batch] = deque()
        self._untold: deque[tuple[_Batch, Range | None]] = deque()
        self._storing = threading.Lock()
        self._log = ProbeLog()
        self._began = False
        self.stores = True
        """Whether what was measured last could be stored."""

    @property
    def names(self) -> tuple[str, ...]:
        """The probes' names."""
        return tuple(self._probes)

    def states(self) -> list[ProbeState]:
        """Return each probe's rhythm and how its last round was."""
        return [
            self._log.state(name, item.every_seconds, running=name in self._running)
            for name, item in self._probes.items()
        ]

    async def run(self) -> None:
        """Run until cancelled. What is under way then is given up; what was measured until then is stored."""
        try:
            while True:
                await self.cycle()
                await self._sleep_until(self._schedule.next_due_ms())
        finally:
            await self._stop()

    async def cycle(self) -> Range | None:
        """Ask what is due, wait for it until the next is due, and record what has come; return its seqs.

        A probe that takes longer goes on, and its readings are recorded in a later cycle; meanwhile it is not
        asked again.
        """
        self._look_whether_asleep()
        started_ms = self._clock.mono_ms()
        due = self._schedule.due(started_ms)
        for name in due:
            if name in self._probes and name not in self._running and name not in self._by_hand:
                item = self._probes[name]
                self._running[name] = asyncio.create_task(run_probe(item.probe, item.timeout_seconds), name=name)
        patience = max(0, self._schedule.next_due_ms() - started_ms) / 1000
        if self._running:
            await asyncio.wait(self._running.values(), timeout=patience)
        self._look_whether_asleep()
        own = await self._footprint() if _FOOTPRINT in due else []
        # Nothing is waited for between taking readings and keeping them: a stop finds them here or there.
        self._keep([*self._take_finished(), *own], started_ms)
        return await self._record()

    async def run_now(self, name: str, instead: Probe | None = None) -> Sequence[Reading]:
        """Run one round of a probe now, record it, have it sent at once, and return it. Raises KeyError for no probe.

        A round of the same probe that is under way is waited for. One that the machine has slept in is `interrupted`,
        and not recorded. `instead`: a probe that does the same in another way, such as a throughput test by hand; it
        stays the caller's to close.
        """
        item = self._probes[name]
        while (busy := self._busy(name)) is not None:
            await asyncio.wait({busy})
        self._look_whether_asleep()  # before it: that one is not this round's
        task = asyncio.create_task(self._round_by_hand(item, instead), name=f"{name} by hand")
        self._by_hand[name] = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            # Whoever asked is gone. The round ends in order, and what it found is recorded like any other's.
            await _give_up(task)
            raise
        finally:
            del self._by_hand[name]
        readings = task.result()
        await self._record()
        return readings

    async def _round_by_hand(self, item: ScheduledProbe, instead: Probe | None) -> Sequence[Reading]:
        """Run the round and keep what it gives: whoever asked may be gone by then."""
        started_ms = self._clock.mono_ms()
        readings = await run_probe(instead or item.probe, item.timeout_seconds)
        self._look_whether_asleep()
        self._count(item.probe.name, readings)
        this = asyncio.current_task()
        if this is not None and this in self._overslept:
            return [Reading(item.probe.name, {"failure": Failure.INTERRUPTED.value})]
        self._keep(readings, started_ms, urgent=True)
        return readings

    def _busy(self, name: str) -> asyncio.Task[Sequence[Reading]] | None:
        """Return the probe's round that is under way."""
        task = self._by_hand.get(name) or self._running.get(name)
        return None if task is None or task.done() else task

    def _take_finished(self) -> list[Reading]:
        readings: list[Reading] = []
        for name, task in list(self._running.items()):
            if task.done():
                del self._running[name]
                if not task.cancelled():
                    found = task.result()
                    self._count(name, found)
                    readings += [] if task in self._overslept else found
        return readings

    def _look_whether_asleep(self) -> None:
        """Tell of a sleep. What was asked before it and answered after it says nothing of the link."""
        told = self._asleep.look(self._outbox.boot.boot_id)
        if told is not None:
            self._overslept.update((*self._running.values(), *self._by_hand.values()))
            self._keep([told], self._clock.mono_ms())

    def _keep(self, readings: Sequence[Reading], mono_ms: int, *, urgent: bool = False) -> None:
        """Take readings over: they are stored next, or at the stop."""
        if readings:
            self._unstored.append(_Batch(readings, mono_ms, urgent))

    def _count(self, name: str, found: Sequence[Reading]) -> None:
        self._meter.add(sum(wan_bytes_of(reading) for reading in found))
        self._log.note(name, found, self._clock.mono_ms())

    async def _footprint(self) -> list[Reading]:
        try:
            return [footprint(await asyncio.to_thread(self._outbox.stats))]
        except OutboxUnavailable as error:
            _LOG.warning("the outbox cannot be read: %s", error)
            return []

    async def _record(self) -> Range | None:
        """Store what is kept, tell of each batch, and return the seqs of the newest."""
        # In a thread: a slow card must not stand in the way of what is being timed here.
        await asyncio.to_thread(self._store)
        newest = None
        while self._untold:
            batch, newest = self._untold.popleft()
            urgent = self._changes.observe(batch.readings) or batch.urgent or not self._began
            self._began = True
            if self._seen is not None:
                self._seen(batch.readings, batch.mono_ms)
            self._recorded(urgent)
        return newest

    def _store(self) -> None:
        """Store all that is kept, each batch in one commit and once, whoever calls and is cancelled meanwhile.

        What is stored is told of by whoever is there next.
        """
        with self._storing:
            while self._unstored:
                batch = self._unstored.popleft()
                self._untold.append((batch, self._append(batch)))

    def _append(self, batch: _Batch) -> Range | None:
        told = self._follow_up.observe(batch.readings, batch.mono_ms)
        seqs = self._outbox.append(batch.readings if told is None else [*batch.readings, told], batch.mono_ms)
        self.stores = seqs is not None
        if told is not None and seqs is not None:
            self._follow_up.told()
        return seqs

    async def _sleep_until(self, mono_ms: int) -> None:
        """Sleep in short steps: the loop's clock stands still while the machine sleeps, ours does not."""
        while (left := mono_ms - self._clock.mono_ms()) > 0:
            await asyncio.sleep(min(left / 1000, _LONGEST_SLEEP_SECONDS))
            self._look_whether_asleep()  # soon: it is told as if it had just ended

    async def _stop(self) -> None:
        under_way = (*self._running.values(), *self._by_hand.values())
        await asyncio.gather(*map(_give_up, under_way))
        for item in self._probes.values():
            try:
                await item.probe.aclose()
            except Exception:  # noqa: BLE001 - one probe's fault must not keep the others open
                _LOG.exception("probe %s did not close", item.probe.name)
        self._keep(self._take_finished(), self._clock.mono_ms())
        await asyncio.to_thread(self._store)


async def _give_up(task: asyncio.Task[Sequence[Reading]]) -> None:
    """Cancel a round, once, and wait for its end: it may still have to say what it has found or spent."""
    if not task.cancelling():
        task.cancel()
    await asyncio.wait({task})
