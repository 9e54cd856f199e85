"""The start of an agent: its outbox, tried until the disk allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from aldea.agents.machine import is_going_down
from aldea.agents.outbox import Limits, Machine, Opening, Outbox, Stopped
from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock

_DAY_MS = 86_400_000

Troubled = Callable[[str], None]
"""Told why nothing can be recorded, at each try that failed."""


def limits_of(settings: AgentSettings) -> Limits:
    """Return how much the outbox may hold, as the settings have it."""
    return Limits(settings.outbox.max_bytes, round(settings.outbox.max_age_days * _DAY_MS))


async def open_outbox(
    settings: AgentSettings, machine: Machine, clock: Clock, stopping: asyncio.Event, troubled: Troubled | None
) -> Outbox | None:
    """Open the outbox; where the disk does not allow it, note the silence and try at each cycle; None when stopped."""
    owned = replace(machine, owner=f"{settings.site}/{settings.device}")
    opening = await asyncio.to_thread(Opening, settings.data, owned, limits_of(settings), clock.mono_ms())
    while not stopping.is_set():
        outbox = await asyncio.to_thread(opening.attempt, clock.mono_ms())
        if outbox is not None:
            return outbox
        if troubled is not None:
            troubled(str(opening.trouble))
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), settings.sample_seconds)
    going_down = await asyncio.to_thread(is_going_down)
    opening.give_up(clock.mono_ms(), Stopped.WITH_THE_MACHINE if going_down else Stopped.ALONE)
    return None
