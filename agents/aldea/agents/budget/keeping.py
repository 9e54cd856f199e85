"""Keeps the telemetry's bytes on disk while the agent runs: no end of it, however sudden, forgets what was spent."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from aldea.agents.budget.budget import Budget

_LOG = logging.getLogger(__name__)
LOOK_SECONDS = 60.0


class BudgetKeeper:
    """One agent's, from its start to its stop. Between two bookings, what is booked ahead covers what was sent."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._turn = threading.Lock()
        self._opened = False
        self._closed = False
        self._complained = False

    async def run(self) -> None:
        """Book from time to time, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Open the account the first time; book what was spent, once it is worth a write. Never raises OSError."""
        with self._turn:
            if not self._closed:
                self._try(self._look)

    def close(self) -> None:
        """Book the rest, and nothing ahead any more: the agent ends in order. Never raises OSError."""
        with self._turn:
            self._closed = True
            # Without an account of our own, what is ahead is that of an agent before, which crashed.
            self._try(self._budget.close if self._opened else self._budget.book)

    def _look(self) -> None:
        if not self._opened:
            self._budget.open()
            self._opened = True
        self._budget.book_if_due()

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._complained = False
        except OSError as error:
            if not self._complained:
                _LOG.warning("the byte budget cannot be written: %s", error)
            self._complained = True
