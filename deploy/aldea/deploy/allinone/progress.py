"""The history's progress on the terminal: a bar where there is one, a line now and then where there isn't."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aldea.deploy.words import in_language, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import TaskID

QUARTER = 4


class HistoryProgress:
    """Takes the simulator's JSON lines; `on_ready` is called once, when the history has been delivered."""

    def __init__(self, console: Console, on_ready: Callable[[], None], language: str = "en") -> None:
        self.ready = threading.Event()
        self._console = console
        self._on_ready = on_ready
        self._language = language
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._quarter = 0

    def line(self, text: str) -> None:
        """Take one line; anything that is not a progress line is ignored."""
        try:
            said = json.loads(text)
        except ValueError:
            return
        if not isinstance(said, dict) or self.ready.is_set():
            return
        if said.get("phase") == "history" and isinstance(said.get("total"), int) and said["total"] > 0:
            self._show(int(said.get("done", 0)), said["total"])
        elif said.get("phase") == "live":
            self.close()
            self.ready.set()
            self._on_ready()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _show(self, done: int, total: int) -> None:
        if not self._console.is_terminal:
            quarter = done * QUARTER // total
            if quarter > self._quarter:
                self._quarter = quarter
                told = said("simulated history: %(done)s of %(total)s rows", done=f"{done:,}", total=f"{total:,}")
                self._console.print(in_language(told, self._language))
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn(in_language(said("simulated history"), self._language)),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(in_language(said("rows"), self._language)),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._progress.add_task("history", total=total)
            self._progress.start()
        assert self._task is not None
        self._progress.update(self._task, completed=done, total=total)
