"""A thread that repeats one step until it is stopped, and that no exception can kill unnoticed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0


class Worker:
    """Runs `step` again and again. `step` returns whether there is more to do at once; if not, the worker waits.

    A step that raises is logged and tried again after a pause that doubles up to 30 s; `error` says what it was
    until a step succeeds.
    """

    def __init__(self, name: str, step: Callable[[], bool], idle_seconds: float = 1.0) -> None:
        self.name = name
        self.error: str | None = None
        self._step = step
        self._idle_seconds = idle_seconds
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"aldea-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Let a waiting worker look again now."""
        self._wake.set()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Let the current step end, and no other begin."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
            if self._thread.is_alive():
                log.warning("%s did not stop within %.0f s", self.name, timeout_seconds)

    def is_alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                busy = self._step()
            except Exception as error:
                self.error = f"{type(error).__name__}: {error}"
                log.exception("%s: trying again in %.1f s", self.name, pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            self.error = None
            pause = FIRST_PAUSE_SECONDS
            if not busy:
                self._wake.wait(self._idle_seconds)
                self._wake.clear()
