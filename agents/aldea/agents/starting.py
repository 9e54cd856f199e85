"""The start of an agent: its outbox, tried until the disk allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from aldea.agents.lock import FolderLock
from aldea.agents.machine import is_going_down
from aldea.agents.outbox import Limits, Machine, Opening, Outbox, Stopped
from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock

_DAY_MS = 86_400_000

SLOW_SECONDS = 2.0
"""What takes longer than this is said on the box's page."""
Done = TypeVar("Done")


class Shown(Protocol):
    """Where a person sees how a start goes. Neither method raises."""

    def show_opening(self) -> None:
        """Say that what is stored is being opened, and that it takes long."""
        ...

    def show_trouble(self, why: str) -> None:
        """Say why nothing can be recorded, at each try that failed."""
        ...


def limits_of(settings: AgentSettings) -> Limits:
    """Return how much the outbox may hold, as the settings have it."""
    return Limits(settings.outbox.max_bytes, round(settings.outbox.max_age_days * _DAY_MS))


async def open_outbox(
    settings: AgentSettings,
    machine: Machine,
    clock: Clock,
    stopping: asyncio.Event,
    shown: Shown | None,
    lock: FolderLock,
) -> Outbox | None:
    """Open the outbox; where the disk does not allow it, note the silence and try at each cycle; None when stopped.

    A folder that could not be made, so that `lock` holds nothing, is held before anything is opened in it. Raises
    AlreadyRunning.
    """
    owned = replace(machine, owner=f"{settings.site}/{settings.device}")
    limits = limits_of(settings)
    opening = await unhurried(asyncio.to_thread(Opening, settings.data, owned, limits, clock.mono_ms()), shown)

    def attempt() -> Outbox | None:
        with suppress(OSError):
            lock.hold()
        return opening.attempt(clock.mono_ms())

    while not stopping.is_set():
        outbox = await unhurried(asyncio.to_thread(attempt), shown)
        if outbox is not None:
            return outbox
        if shown is not None:
            shown.show_trouble(str(opening.trouble))
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), settings.sample_seconds)
    going_down = await asyncio.to_thread(is_going_down)
    opening.give_up(clock.mono_ms(), Stopped.WITH_THE_MACHINE if going_down else Stopped.ALONE)
    return None


async def unhurried(work: Coroutine[Any, Any, Done], shown: Shown | None) -> Done:
    """Wait for what opens a file; where it takes long, a person is told meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=SLOW_SECONDS)
        if not done and shown is not None:
            shown.show_opening()
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise
