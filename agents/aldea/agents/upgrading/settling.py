"""Whose fault was it that a release was silent? Known once the server is heard with what ran before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aldea.agents.trial_verdict import GivenUp, Verdict, judged, settling_ms
from aldea.agents.upgrading.folder import Releases
from aldea.agents.upgrading.state import State
from aldea.model.clock import Clock

_LOG = logging.getLogger(__name__)
LINK_PAUSE_SECONDS, DISK_PAUSE_SECONDS = 1.0, 600.0


@dataclass(frozen=True, slots=True)
class Link:
    """How the server is listened to. `is_heard`: it has greeted us in this connection. `pause` sleeps."""

    is_heard: Callable[[], bool]
    clock: Clock
    boot_id: str
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def until_heard(self) -> None:
        """Wait until the server is heard."""
        while not self.is_heard():
            await self.pause(LINK_PAUSE_SECONDS)

    async def until_steady(self, steady_ms: int) -> None:
        """Wait until the server has been heard for so long without a break."""
        await self.until_heard()
        since_ms = self.clock.mono_ms()
        while self.clock.mono_ms() - since_ms < steady_ms:
            await self.pause(LINK_PAUSE_SECONDS)
            if not self.is_heard():
                await self.until_heard()
                since_ms = self.clock.mono_ms()


async def settled(releases: Releases, state: State, doubt: GivenUp, link: Link) -> tuple[State, Verdict]:
    """Wait for the verdict on the last trial, and keep it; return the state then. It may take as long as the link."""
    assert state.outcome is not None
    if state.outcome.verdict == Verdict.TRY_AGAIN:
        return state, Verdict.TRY_AGAIN  # as it was kept before a stop
    await link.until_heard()
    verdict = judged(doubt, link.boot_id, link.clock.mono_ms(), heard=True)
    _LOG.info("the trial of version %s: %s", state.outcome.version, verdict.value)
    state = state.judged(verdict)
    while not await asyncio.to_thread(is_written, releases, state):
        await link.pause(DISK_PAUSE_SECONDS)  # a verdict that is not kept would be another one later
    return state, verdict


async def until_due(doubt: GivenUp, link: Link) -> None:
    """Wait until the next try is due: a link that flutters would spend the tries."""
    await link.until_steady(settling_ms(doubt.patience_ms))


def is_written(releases: Releases, state: State) -> bool:
    """Write a state; say whether the disk took it."""
    try:
        releases.write(state)
    except OSError as error:
        _LOG.error("what became of a release cannot be written down: %s", error)
        return False
    return True
