"""Waiting within a loop for what another task or a thread is about to do: it needs its time, and that is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def eventually(is_true: Callable[[], object]) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(60):
        while not is_true():  # noqa: ASYNC110 - a count, a list or a file tells of nothing by itself
            await asyncio.sleep(0.005)
