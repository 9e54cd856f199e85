"""A real agent in a thread of the test's process, with a probe that counts its rounds."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from aldea.agents.outbox import Machine
from aldea.agents.probe import ScheduledProbe
from aldea.agents.service import AgentService
from aldea.agents.settings import AgentSettings, BrokerSettings
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Probe:
    """A probe that counts its rounds: the first is the schedule's."""

    name = "ping"

    def __init__(self) -> None:
        self.rounds = 0

    async def measure(self) -> Sequence[Reading]:
        self.rounds += 1
        return [Reading("ping", {"sent": 3, "received": 3, "rtt_avg_seconds": 0.5}, {"target": "x", "role": "anchor"})]

    async def aclose(self) -> None:
        return None


class ThreadBox:
    """A real agent in a thread of its own."""

    def __init__(self, folder: Path, port: int, probe: Probe, site: str) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(folder, port, probe, site), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        """End it in order."""
        self._loop.call_soon_threadsafe(self._service.stop)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self, folder: Path, port: int, probe: Probe, site: str) -> None:
        async def run() -> None:
            settings = AgentSettings(
                site=site, data=folder, sample_seconds=3_600, send_seconds=3_600, broker=BrokerSettings(port=port)
            )
            machine = Machine("hardware", "ab" * 8, "0.1")
            self._service = AgentService(settings, [ScheduledProbe(probe, 3_600.0, 5.0)], machine=machine)
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._service.run()

        asyncio.run(run())
