"""Work beside the measuring: whatever goes wrong in it is said, and it goes on after a pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

Made = TypeVar("Made")
_LOG = logging.getLogger(__name__)
PAUSE_SECONDS = 30.0


async def keep_going(name: str, work: Callable[[], Awaitable[None]], pause_seconds: float = PAUSE_SECONDS) -> None:
    """Do `work` until it ends by itself or is cancelled. After a fault it is begun again: measuring comes first."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - whatever it was, the agent goes on measuring
            _LOG.exception("%s failed and begins again in %g s", name, pause_seconds)
        else:
            return
        await asyncio.sleep(pause_seconds)


def unless_it_fails(name: str, make: Callable[[], Made]) -> Made | None:
    """Return what `make` makes; None, which is said, when it fails: an agent without it still measures and is heard."""
    try:
        return make()
    except Exception:  # noqa: BLE001 - as above
        _LOG.exception("%s cannot be had; the agent goes on without", name)
        return None
