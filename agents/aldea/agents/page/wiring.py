"""The page in a running agent: what it may see of it, and its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from aldea.agents.beside import unless_it_fails
from aldea.agents.checkup.collecting import Checkup
from aldea.agents.checkup.evidence import Evidence
from aldea.agents.checkup.folder import FolderWatch
from aldea.agents.operating.toolbox import Toolbox
from aldea.agents.outbox import Machine, Outbox, OutboxUnavailable
from aldea.agents.page.latest import LatestReadings
from aldea.agents.page.recorded import UplinkState, anchor_silent_ms, router_is_mute
from aldea.agents.page.repairing import Repairing
from aldea.agents.page.repairs import RepairBook
from aldea.agents.page.rounds import CheckRounds, SpeedRounds
from aldea.agents.page.server import PageServer
from aldea.agents.page.view import BoxView, Waiting
from aldea.agents.probe import ProbeContext
from aldea.agents.probes import PROBES
from aldea.agents.probes.budget import budget_of, sure_ms
from aldea.agents.probes.throughput import ThroughputProbe
from aldea.agents.settings import AgentSettings
from aldea.agents.uplink import Uplink
from aldea.model.sample import Reading

_FAR = 2**62


@dataclass(frozen=True, slots=True)
class Running:
    """What there is once the outbox is open."""

    tools: Toolbox
    latest: LatestReadings
    uplink: Uplink


class BoxPage:
    """The page of an agent that runs in this thread's event loop.

    It comes up with `show`; or before that with `show_opening` or `show_trouble`, while nothing can be recorded, and
    then it goes on as it is: on the same port, with the same sessions. None of its methods raises: the agent measures
    without a page.
    """

    def __init__(self, settings: AgentSettings, machine: Machine, context: ProbeContext) -> None:
        loop = asyncio.get_running_loop()

        def submit(work: Coroutine[Any, Any, Any]) -> Future[Any]:
            return asyncio.run_coroutine_threadsafe(work, loop)

        clock = context.clock
        self._settings = settings
        self._machine = machine
        self._context = context
        self._running: Running | None = None
        self._trouble: str | None = None
        self._opening_ms: int | None = None
        self._folder = FolderWatch(settings.data, clock)
        self._server: PageServer | None = None
        self._nothing_yet = LatestReadings()
        self._checks = CheckRounds(submit, clock, self._check)
        self._speed = SpeedRounds(submit, clock, self._test, self._half_is_left, available=False)
        self._repairing = Repairing(
            book=RepairBook(settings.data),
            clock=clock,
            boot_id=machine.boot_id,
            known_ms=self._known_ms,
            submit=submit,
            check=self._check,
            record=self._record,
        )

    def show_opening(self) -> None:
        """Serve the page while what is stored is being opened, which takes long. Called in the loop's thread."""
        if self._trouble is None and self._opening_ms is None:
            self._opening_ms = self._context.clock.mono_ms()
            unless_it_fails("the box's page", self._serve)

    def show_trouble(self, why: str) -> None:
        """Serve the page although nothing can be recorded, for this reason. As above."""
        was_opening, self._opening_ms = self._opening_ms is not None, None
        self._trouble = why
        if self._server is None or was_opening:
            unless_it_fails("the box's page", self._serve)

    def show(self, tools: Toolbox, latest: LatestReadings, uplink: Uplink) -> None:
        """Serve the page of a box that records; go on with the repairs that a stop has cut short. As above."""
        self._running = Running(tools, latest, uplink)
        self._trouble = self._opening_ms = None
        self._speed.available = ThroughputProbe.name in tools.runner.names and self._settings.throughput.has_server
        unless_it_fails("the box's page", self._serve)
        unless_it_fails("going on with repairs", self._repairing.resume)

    def stop(self) -> None:
        """End the page, if there is one; waits for it."""
        if self._server is not None:
            self._server.stop()

    def _serve(self) -> None:
        if self._server is None:
            server = PageServer(self.view())
            server.start()
            self._server = server
        else:
            self._server.show(self.view())

    def view(self) -> BoxView:
        """Return the box as the pages see it now."""
        running = self._running
        return BoxView(
            settings=self._settings,
            clock=self._context.clock,
            version=self._machine.version,
            known_ms=self._known_ms,
            latest=self._nothing_yet if running is None else running.latest,
            uplink=self._uplink,
            waiting=lambda: None if running is None else waiting(running.tools.outbox),
            checks=self._checks,
            speed=self._speed,
            repairing=self._repairing,
            records=None if running is None else running.tools.records,
            without_outbox=running is None,
            opening_ms=self._opening_ms,
            trouble=self._why_not,
            folder_error=self._folder.look,
        )

    def _why_not(self) -> str | None:
        """Return why what is measured cannot be kept now."""
        running = self._running
        if running is None or running.tools.runner.stores:
            return self._trouble
        return f"{self._settings.data}"

    def _known_ms(self) -> int | None:
        return sure_ms(self._context)

    def _uplink(self) -> UplinkState:
        if self._running is None:
            return UplinkState()
        uplink = self._running.uplink
        return UplinkState(uplink.is_online, uplink.opened_ms, uplink.heard_ms, uplink.trouble)

    def _latest(self) -> LatestReadings:
        return self._nothing_yet if self._running is None else self._running.latest

    async def _check(self, told: Callable[[Evidence], None] | None = None) -> Evidence:
        clock = self._context.clock
        delivers = self._running is not None
        checkup = Checkup(
            self._settings,
            self._context,
            delivering=(lambda: self._uplink().delivering(clock.mono_ms())) if delivers else None,
            anchor_silent_ms=lambda: anchor_silent_ms(self._latest(), clock.mono_ms()),
            router_is_mute=lambda: router_is_mute(self._latest()),
            trouble=self._why_not,
        )
        return await checkup.run(told)

    async def _test(self) -> Sequence[Reading]:
        if self._running is None:
            return ()
        tools = self._running.tools
        probe = PROBES[ThroughputProbe.name](self._settings, replace(self._context, by_hand=True))
        try:
            return await tools.runner.run_now(probe.name, probe)
        finally:
            await probe.aclose()

    def _half_is_left(self) -> bool:
        """Say whether one more test leaves half of what is kept for tests by hand this month, or is the first."""
        tests, terms = self._settings.throughput, self._settings.budget
        file = budget_of(self._settings, self._context).file
        try:
            with file.held():
                spent = file.read().charged().hand_bytes
        except OSError:
            return True  # the budget itself cannot book the test, and lets none run
        return spent == 0 or spent + tests.full_bytes <= terms.monthly_bytes * terms.hand_ratio / 2

    async def _record(self, reading: Reading) -> bool:
        running = self._running
        if running is None:
            return False
        seqs = await asyncio.to_thread(running.tools.outbox.append, [reading], self._context.clock.mono_ms())
        running.uplink.recorded(asked=True)
        return seqs is not None


def waiting(outbox: Outbox) -> Waiting | None:
    """Return what waits to be delivered, None while the outbox cannot be read."""
    try:
        rows = outbox.stats().rows
        held = outbox.next_bulk(1, _FAR, {}) if rows else None
    except OutboxUnavailable:
        return None
    anchor = None if held is None else held.boot.anchor
    oldest = None if held is None or anchor is None else held.rows[0].mono_ms + anchor.offset_ms
    return Waiting(rows, oldest)
