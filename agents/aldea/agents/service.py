"""The agent put together: probes, runner, outbox and uplink over one data folder, started and stopped in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aldea.agents.assembly import ClockStates, identity_of, link_options, pace_of, this_machine
from aldea.agents.beside import keep_going, unless_it_fails
from aldea.agents.budget import BudgetKeeper, Meter
from aldea.agents.lock import FolderLock
from aldea.agents.log_ring import LogRing
from aldea.agents.machine import is_going_down
from aldea.agents.operating import CommandInbox, Toolbox
from aldea.agents.operating.registry import handlers
from aldea.agents.outbox import Machine, Outbox, Stopped
from aldea.agents.page.latest import LatestReadings
from aldea.agents.probe import ProbeContext, ScheduledProbe
from aldea.agents.probes import scheduled_probes
from aldea.agents.probes.budget import budget_of
from aldea.agents.runner import Runner
from aldea.agents.salvage import look_after_damaged
from aldea.agents.settings import AgentSettings
from aldea.agents.starting import limits_of, open_outbox, unhurried
from aldea.agents.upgrading.leaving import confirm
from aldea.agents.uplink import Conversation, Pace, Uplink
from aldea.model.clock import Clock, SystemClock
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from aldea.agents.overlay.desk import SettingsDesk
    from aldea.agents.page.wiring import BoxPage
    from aldea.agents.records.desk import Desk
    from aldea.model.messages import Command

__all__ = ["AgentService", "link_options", "pace_of", "this_machine"]

_UPLINK_STOPS_WITHIN_SECONDS = 3.0
_TRIAL_LOOK_SECONDS = 1.0
_COMMANDS_END_WITHIN_SECONDS = 120.0
"""A probe's round has 45 seconds, and may wait for one that is under way."""


class AgentService:
    """One agent. `run` until `stop` is called or the task is cancelled.

    `probes` replaces those that the settings name, `machine` what the operating system says of this one; `desk` is
    where settings from afar are taken, None for an agent that has none; `meter` has what was spent beside it.
    """

    def __init__(
        self,
        settings: AgentSettings,
        probes: Sequence[ScheduledProbe] | None = None,
        clock: Clock | None = None,
        pace: Pace | None = None,
        machine: Machine | None = None,
        desk: SettingsDesk | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._options = link_options(settings)
        self._pace = pace or pace_of(settings)
        self._outbox: Outbox | None = None
        self._meter = meter or Meter()
        self._context = ProbeContext(self._clock, settings.data, anchored_ms=self._anchored_ms, meter=self._meter)
        self._probes = scheduled_probes(settings, self._context) if probes is None else probes
        self._machine = machine or this_machine()
        self._state = ClockStates(self._clock)
        self._stopping = asyncio.Event()
        self._desk = desk
        self._starts_anew = asyncio.Event()

    def stop(self) -> None:
        """Ask `run` to end in order. Called in the loop's thread."""
        self._starts_anew.clear()
        self._stopping.set()

    def start_anew(self) -> None:
        """Ask `run` to end in order, since other settings or another release are to hold. Called in the loop's thread.

        A command that is under way, such as a test of the link, is given the time to end first.
        """
        self._starts_anew.set()

    async def run(self) -> bool:
        """Measure and deliver until stopped; say whether to start again at once, with the settings as they are then.

        Raises AlreadyRunning, or OSError when the folder cannot be used.
        """
        lock = FolderLock(self.settings.data, may_be_missing=True)
        page = self._page()
        try:
            outbox = await open_outbox(self.settings, self._machine, self._clock, self._stopping, page, lock)
            if outbox is not None:
                await self._run(outbox, page)
        finally:
            if page is not None:
                await asyncio.to_thread(page.stop)
            lock.release()
        return self._starts_anew.is_set()

    def _anchored_ms(self) -> int | None:
        anchor = None if self._outbox is None else self._outbox.boot.anchor
        return None if anchor is None else self._clock.mono_ms() + anchor.offset_ms

    async def _run(self, outbox: Outbox, page: BoxPage | None) -> None:
        self._outbox = outbox
        identity = identity_of(self.settings, self._machine.version)

        def take(command: Command) -> None:
            inbox.take(command)

        latest = LatestReadings()
        conversation = Conversation(outbox, identity, self._pace, take)
        uplink = Uplink(conversation, identity, self._options, self._state.now, meter=self._meter)
        runner = Runner(
            outbox,
            self._probes,
            self._clock,
            lambda urgent: uplink.recorded(urgent=urgent),
            shift=identity.share,
            meter=self._meter,
            seen=latest.observe if self.settings.page.enabled else None,
        )
        keeper = BudgetKeeper(budget_of(self.settings, self._context))
        log = LogRing()
        records = await self._opened_records(outbox, uplink, page)
        tools = self._tools(outbox, runner, uplink, log, conversation, records)
        inbox = self._inbox(tools, uplink)
        logging.getLogger("aldea.agents").addHandler(log)
        uplink.start()
        if page is not None:
            page.show(tools, latest, uplink)
        measuring = asyncio.create_task(runner.run(), name="runner")
        beside = [
            asyncio.create_task(self._stopping.wait(), name="stop"),
            asyncio.create_task(self._end_to_start_anew(inbox), name="anew"),
            asyncio.create_task(self._watch_trial(conversation), name="trial"),
            asyncio.create_task(confirm(self.settings.data, lambda: conversation.listening), name="release"),
            asyncio.create_task(keep_going("taking commands", inbox.run), name="commands"),
            asyncio.create_task(keep_going("keeping the byte budget", keeper.run), name="budget"),
            asyncio.create_task(keep_going("bringing back damaged outboxes", self._look_after_damaged), name="damaged"),
        ]
        if tools.records is not None:
            work = keep_going("handing records over", tools.records.look_after)
            beside.append(asyncio.create_task(work, name="records"))
        try:
            await asyncio.wait((measuring, beside[0]), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # What is done for a command first: it may wait for a round of the runner's.
            for task in reversed((measuring, *beside)):
                task.cancel()
            results = await asyncio.gather(measuring, *beside, return_exceptions=True)
            if page is not None:
                await asyncio.to_thread(page.stop)
            await asyncio.to_thread(uplink.stop, _UPLINK_STOPS_WITHIN_SECONDS)
            await asyncio.to_thread(keeper.close)
            if tools.records is not None:
                tools.records.close()
            failed = results[0] if isinstance(results[0], Exception) else None
            outbox.close(await self._how_stopped() if failed is None else Stopped.CUT_OFF)
            logging.getLogger("aldea.agents").removeHandler(log)
        if failed is not None:
            raise failed

    def _tools(
        self,
        outbox: Outbox,
        runner: Runner,
        uplink: Uplink,
        log: LogRing,
        conversation: Conversation,
        records: Desk | None,
    ) -> Toolbox:
        return Toolbox(
            settings=self.settings,
            machine=self._machine,
            outbox=outbox,
            runner=runner,
            context=self._context,
            log=log,
            is_online=lambda: uplink.is_online,
            is_heard=lambda: conversation.listening,
            start_anew=self.start_anew,
            desk=self._desk,
            records=records,
        )

    async def _opened_records(self, outbox: Outbox, uplink: Uplink, page: BoxPage | None) -> Desk | None:
        """Open the facilitator's files beside the loop: they are looked through first, and a card may be slow."""
        try:
            return await unhurried(asyncio.to_thread(self._records, outbox, uplink), page)
        except asyncio.CancelledError:
            outbox.close(Stopped.CUT_OFF)
            raise

    def _records(self, outbox: Outbox, uplink: Uplink) -> Desk | None:
        """Return the facilitator's desk where there is a page, or where records from before may wait."""
        if not self.settings.page.enabled and not (self.settings.data / "records.db").exists():
            return None
        from aldea.agents.records.desk import open_desk  # noqa: PLC0415 - with the forms, where they are used

        return unless_it_fails(
            "entering records",
            lambda: open_desk(self.settings.data, outbox, self._clock, lambda: uplink.recorded(urgent=True)),
        )

    def _page(self) -> BoxPage | None:
        if not self.settings.page.enabled:
            return None
        from aldea.agents.page.wiring import BoxPage  # noqa: PLC0415 - with the checkup, where it is used

        return unless_it_fails("the box's page", lambda: BoxPage(self.settings, self._machine, self._context))

    def _inbox(self, tools: Toolbox, uplink: Uplink) -> CommandInbox:
        async def append(reading: Reading) -> None:
            await asyncio.to_thread(tools.outbox.append, [reading], self._clock.mono_ms())
            uplink.recorded(asked=True)

        return CommandInbox(self.settings.data, handlers(tools), append, self._clock, self._anchored_ms)

    async def _watch_trial(self, conversation: Conversation) -> None:
        """While settings from afar are on trial: keep them once the collector is heard, else start anew."""
        while self._desk is not None and self._desk.is_pending:
            if self._desk.step(heard=conversation.listening):
                self.start_anew()
                return
            await asyncio.sleep(_TRIAL_LOOK_SECONDS)

    async def _end_to_start_anew(self, inbox: CommandInbox) -> None:
        await self._starts_anew.wait()
        await inbox.settle(_COMMANDS_END_WITHIN_SECONDS)
        self._stopping.set()

    async def _look_after_damaged(self) -> None:
        await look_after_damaged(self.settings.data, limits_of(self.settings), self._machine.hardware_id)

    async def _how_stopped(self) -> Stopped:
        if self._starts_anew.is_set():
            return Stopped.FOR_SETTINGS
        going_down = await asyncio.to_thread(is_going_down)
        return Stopped.WITH_THE_MACHINE if going_down else Stopped.ALONE
