"""The page in a running agent: what it may see of it, and its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from aldea.agents.checkup.collecting import Checkup
from aldea.agents.checkup.evidence import Evidence
from aldea.agents.operating.toolbox import Toolbox
from aldea.agents.outbox import Outbox, OutboxUnavailable
from aldea.agents.page.latest import LatestReadings
from aldea.agents.page.recorded import UplinkState, anchor_silent_ms, router_is_mute
from aldea.agents.page.repairing import Repairing
from aldea.agents.page.repairs import RepairBook
from aldea.agents.page.rounds import CheckRounds, SpeedRounds
from aldea.agents.page.server import PageServer
from aldea.agents.page.view import BoxView, Waiting
from aldea.agents.probes import PROBES
from aldea.agents.probes.budget import sure_ms
from aldea.agents.probes.throughput import ThroughputProbe
from aldea.agents.uplink import Uplink
from aldea.model.sample import Reading

_FAR = 2**62


@dataclass(frozen=True, slots=True)
class BoxPage:
    """The page of an agent that runs in this thread's event loop."""

    tools: Toolbox
    latest: LatestReadings
    uplink: Uplink

    def start(self) -> PageServer:
        """Serve the page, and go on with the repairs that a stop has cut short. Called in the loop's thread."""
        view = self.view(asyncio.get_running_loop())
        view.repairing.resume()
        server = PageServer(view)
        server.start()
        return server

    def view(self, loop: asyncio.AbstractEventLoop) -> BoxView:
        """Return the box as the pages see it; what they start runs in `loop`."""
        tools = self.tools
        settings, clock = tools.settings, tools.context.clock

        def submit(work: Coroutine[Any, Any, Any]) -> Future[Any]:
            return asyncio.run_coroutine_threadsafe(work, loop)

        return BoxView(
            settings=settings,
            clock=clock,
            version=tools.machine.version,
            known_ms=self._known_ms,
            latest=self.latest,
            uplink=self._uplink,
            waiting=lambda: waiting(tools.outbox),
            checks=CheckRounds(submit, clock, self._check),
            speed=SpeedRounds(submit, clock, self._test, available=self._can_test()),
            records=tools.records,
            repairing=Repairing(
                book=RepairBook(settings.data),
                clock=clock,
                boot_id=tools.machine.boot_id,
                known_ms=self._known_ms,
                submit=submit,
                check=self._check,
                record=self._record,
            ),
        )

    def _known_ms(self) -> int | None:
        return sure_ms(self.tools.context)

    def _uplink(self) -> UplinkState:
        uplink = self.uplink
        return UplinkState(uplink.is_online, uplink.opened_ms, uplink.heard_ms, uplink.trouble)

    async def _check(self, told: Callable[[Evidence], None] | None = None) -> Evidence:
        context = self.tools.context

        def silent_ms() -> int | None:
            return anchor_silent_ms(self.latest, context.clock.mono_ms())

        checkup = Checkup(
            self.tools.settings,
            context,
            lambda: self._uplink().delivering(context.clock.mono_ms()),
            silent_ms,
            lambda: router_is_mute(self.latest),
        )
        return await checkup.run(told)

    def _can_test(self) -> bool:
        return ThroughputProbe.name in self.tools.runner.names and self.tools.settings.throughput.has_server

    async def _test(self) -> Sequence[Reading]:
        probe = PROBES[ThroughputProbe.name](self.tools.settings, replace(self.tools.context, by_hand=True))
        try:
            return await self.tools.runner.run_now(probe.name, probe)
        finally:
            await probe.aclose()

    async def _record(self, reading: Reading) -> bool:
        seqs = await asyncio.to_thread(self.tools.outbox.append, [reading], self.tools.context.clock.mono_ms())
        self.uplink.recorded(asked=True)
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
