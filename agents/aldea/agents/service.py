"""The agent put together: probes, runner, outbox and uplink over one data folder, started and stopped in order."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from aldea.agents.budget import Meter
from aldea.agents.lock import FolderLock
from aldea.agents.machine import boot_id, clock_state, hardware_id, is_going_down
from aldea.agents.outbox import Limits, Machine, Outbox, OutboxUnavailable, Reserve, Span, Stopped
from aldea.agents.probe import ProbeContext, ScheduledProbe
from aldea.agents.probes import scheduled_probes
from aldea.agents.runner import Runner
from aldea.agents.settings import AgentSettings, what_it_sees
from aldea.agents.uplink import Conversation, Identity, LinkOptions, Moment, Pace, Uplink
from aldea.model.clock import Clock, ClockState, SystemClock
from aldea.model.settings import SettingsError

if TYPE_CHECKING:
    from aldea.agents.overlay.desk import SettingsDesk

_LOG = logging.getLogger(__name__)
_CLOCK_STATE_LASTS_MS = 10_000
_UPLINK_STOPS_WITHIN_SECONDS = 3.0
_DAY_MS = 86_400_000
_TRIAL_LOOK_SECONDS = 1.0


class AgentService:
    """One agent. `run` until `stop` is called or the task is cancelled.

    `probes` replaces those that the settings name, `machine` what the operating system says of this one; `desk` is
    where settings from afar are taken, None for an agent that has none.
    """

    def __init__(
        self,
        settings: AgentSettings,
        probes: Sequence[ScheduledProbe] | None = None,
        clock: Clock | None = None,
        pace: Pace | None = None,
        machine: Machine | None = None,
        desk: SettingsDesk | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._options = link_options(settings)
        self._pace = pace or pace_of(settings)
        self._outbox: Outbox | None = None
        self._meter = Meter()
        context = ProbeContext(self._clock, settings.data, anchored_ms=self._anchored_ms, meter=self._meter)
        self._probes = scheduled_probes(settings, context) if probes is None else probes
        self._machine = machine or this_machine()
        self._state = _ClockStates(self._clock)
        self._stopping = asyncio.Event()
        self._desk = desk
        self._starts_anew = False

    def stop(self) -> None:
        """Ask `run` to end in order. Called in the loop's thread."""
        self._stopping.set()

    def start_anew(self) -> None:
        """Ask `run` to end in order, since other settings are to hold. Called in the loop's thread."""
        self._starts_anew = True
        self._stopping.set()

    async def run(self) -> bool:
        """Measure and deliver until stopped; say whether to start again at once, with the settings as they are then.

        Raises AlreadyRunning, or OSError when the folder cannot be used.
        """
        lock = FolderLock(self.settings.data)
        try:
            outbox = await self._open_outbox()
            if outbox is not None:
                await self._run(outbox)
        finally:
            lock.release()
        return self._starts_anew

    def _anchored_ms(self) -> int | None:
        anchor = None if self._outbox is None else self._outbox.boot.anchor
        return None if anchor is None else self._clock.mono_ms() + anchor.offset_ms

    async def _run(self, outbox: Outbox) -> None:
        self._outbox = outbox
        identity = identity_of(self.settings, self._machine.version)
        conversation = Conversation(outbox, identity, self._pace)
        uplink = Uplink(conversation, identity, self._options, self._state.now, meter=self._meter)
        runner = Runner(
            outbox,
            self._probes,
            self._clock,
            lambda urgent: uplink.recorded(urgent=urgent),
            shift=zlib.crc32(f"{identity.site}/{identity.device}".encode()) / 2**32,
            meter=self._meter,
        )
        uplink.start()
        measuring = asyncio.create_task(runner.run(), name="runner")
        stopping = asyncio.create_task(self._stopping.wait(), name="stop")
        trial = asyncio.create_task(self._watch_trial(conversation), name="trial")
        try:
            await asyncio.wait((measuring, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            measuring.cancel()
            stopping.cancel()
            trial.cancel()
            results = await asyncio.gather(measuring, stopping, trial, return_exceptions=True)
            await asyncio.to_thread(uplink.stop, _UPLINK_STOPS_WITHIN_SECONDS)
            failed = results[0] if isinstance(results[0], Exception) else None
            outbox.close(await self._how_stopped() if failed is None else Stopped.CUT_OFF)
        if failed is not None:
            raise failed

    async def _watch_trial(self, conversation: Conversation) -> None:
        """While settings from afar are on trial: keep them once the collector is heard, else start anew."""
        while self._desk is not None and self._desk.on_trial:
            if self._desk.step(heard=conversation.listening):
                self.start_anew()
            await asyncio.sleep(_TRIAL_LOOK_SECONDS)

    async def _how_stopped(self) -> Stopped:
        if self._starts_anew:
            return Stopped.FOR_SETTINGS
        going_down = await asyncio.to_thread(is_going_down)
        return Stopped.WITH_THE_MACHINE if going_down else Stopped.ALONE

    async def _open_outbox(self) -> Outbox | None:
        """Open the outbox; where the disk does not allow it, note the silence and try at each cycle."""
        reserve = Reserve(self.settings.data / "outbox.reserve")
        limits = Limits(self.settings.outbox.max_bytes, round(self.settings.outbox.max_age_days * _DAY_MS))
        machine = replace(self._machine, owner=f"{self.settings.site}/{self.settings.device}")
        while not self._stopping.is_set():
            now_ms = self._clock.mono_ms()
            try:
                return await asyncio.to_thread(Outbox, self.settings.data, machine, now_ms, limits, reserve)
            except OutboxUnavailable as error:
                _LOG.error("nothing can be recorded: %s", error)
                reserve.note(Span(self._machine.boot_id, now_ms, now_ms, 0, "outbox_unavailable"))
            try:
                await asyncio.wait_for(self._stopping.wait(), self.settings.sample_seconds)
            except TimeoutError:
                continue
        return None


class _ClockStates:
    """The moment, with the clock's state asked of the system now and then only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_ms: int | None = None
        self._state = ClockState.UNSYNCED

    def now(self) -> Moment:
        """Return the moment."""
        mono_ms = self._clock.mono_ms()
        if self._asked_ms is None or mono_ms - self._asked_ms >= _CLOCK_STATE_LASTS_MS:
            self._asked_ms = mono_ms
            self._state = clock_state(self._clock)
        return Moment(mono_ms, self._clock.wall_ms(), self._state)


def this_machine() -> Machine:
    """Return what the operating system says of this machine and boot."""
    try:
        own_version = version("aldea")
    except PackageNotFoundError:
        own_version = "unknown"
    # Half of the kernel's id tells a device's boots apart as well, and travels in every batch.
    return Machine(hardware_id() or "", boot_id().replace("-", "")[:16], own_version, clock_state(SystemClock()).value)


def identity_of(settings: AgentSettings, own_version: str) -> Identity:
    """Return what the agent announces of itself; intervals are announced in whole seconds."""
    return Identity(
        site=settings.site,
        device=settings.device,
        version=own_version,
        sample_seconds=max(1, round(settings.sample_seconds)),
        send_seconds=max(1, round(settings.send_seconds)),
        sees=asdict(what_it_sees(settings)),
    )


def pace_of(settings: AgentSettings) -> Pace:
    """Return the conversation's pace as the settings have it."""
    return Pace(send_interval_ms=round(settings.send_seconds * 1000))


def link_options(settings: AgentSettings) -> LinkOptions:
    """Return how to reach the broker. Raises SettingsError when the password cannot be read."""
    broker = settings.broker
    password = None
    if broker.password_file is not None:
        try:
            password = broker.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"agent.broker.password_file cannot be read: {error}"]) from error
    if broker.ca_file is not None and not broker.ca_file.is_file():
        raise SettingsError([f"agent.broker.ca_file is {str(broker.ca_file)!r}; expects a file that exists"])
    return LinkOptions(
        host=broker.host,
        port=broker.port,
        username=broker.username,
        password=password,
        tls=broker.tls,
        ca_file=broker.ca_file,
        keepalive_seconds=settings.keepalive_seconds,
    )
