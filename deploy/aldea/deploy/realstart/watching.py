"""Watches for the wish to start for real while the server runs, and fulfils it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from aldea.deploy.realstart.leaving import leave
from aldea.deploy.words import said
from aldea.storage.register import RegisterError
from aldea.storage.register.real_start import Phase, note, read_wish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aldea.deploy.realstart.leaving import Surroundings
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class RealStart:
    """A thread that looks each second whether somebody wants to start for real. One that was interrupted goes on."""

    def __init__(
        self,
        register: Register,
        series: SeriesStore,
        folder: Path,
        around: Callable[[Callable[[float], bool]], Surroundings],
        say: Callable[[str], None],
    ) -> None:
        self._register = register
        self._series = series
        self._folder = folder
        self._stopping = threading.Event()
        self._around = around(self._stopping.wait)
        self._say = say
        self._thread = threading.Thread(target=self._run, name="aldea-real-start", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a start for real that is under way goes on at the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:
                log.exception("the simulated fleet could not leave")
                self._fail(error)

    def _look(self) -> None:
        with self._register.reading() as unit:
            wish = read_wish(unit)
        if wish is None or wish.is_over:
            return
        removed = leave(self._register, self._series, self._folder, self._tell, self._around)
        if not self._stopping.is_set():
            note(self._register, Phase.DONE, removed, removed)
            self._say(said("Started for real: the %(count)s simulated sites have left.", count=removed))

    def _tell(self, phase: Phase, done: int, total: int) -> None:
        note(self._register, phase, done, total)

    def _fail(self, error: Exception) -> None:
        try:
            note(self._register, Phase.FAILED, sentence=f"{type(error).__name__}: {error}"[:300])
        except RegisterError as second:
            log.warning("that it failed could not be recorded: %s", second)
