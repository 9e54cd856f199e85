"""A box is replaced in the middle of everything, and what its old disk holds is taken over while all are killed."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proof.cast import query, waiting_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from proof.cast import Cast
    from rigs.processes import ServerProcess

MOST_SECONDS = 120.0
_NOTHING = "There is nothing to take over"


@dataclass(slots=True)
class Replacement:
    """Replaces the first village's box. `kills` counts by kind; `cut_short` the take-overs that had begun to work."""

    cast: Cast
    random: Random
    kills: Counter[str] = field(default_factory=Counter)
    cut_short: int = 0

    def run(self, waiting: int, kills: int) -> None:
        """Let so many rows wait, replace the box, and take its disk over, killed so often on the way."""
        village = self.cast.villages[0]
        self.cast.broker.kill()
        self.kills["broker"] += 1
        _until(lambda: village.outbox.exists() and waiting_rows(village.outbox) >= waiting)
        self.cast.agents[0].kill()
        self.kills["agent"] += 1
        old = self.cast.replace_box(0)
        self.cast.broker.start()
        self.cast.agents[0].start()
        _until(lambda: _is_made(village.outbox))
        for number in range(kills):
            self._take_over_and_be_killed(old)
            # The agent and the collector have the same file and the same rows in hand.
            victim = self.cast.agents[0] if number % 2 else self.cast.collector
            victim.kill()
            self.kills[victim.name] += 1
            victim.start()
        self._take_over(old)
        assert _NOTHING in self._take_over(old), "a second take-over found something"

    def _take_over_and_be_killed(self, old: Path) -> None:
        """Strike while the disk is copied and counted, or between one small transaction and the next."""
        outbox = self.cast.villages[0].outbox
        before = _taken(outbox)
        at_work = self.random.random() < 0.7
        process = self.cast.take_over(0, old)
        process.start(lambda: True)
        deadline = time.monotonic() + MOST_SECONDS
        while process.is_running() and time.monotonic() < deadline:
            if _taken(outbox) > before if at_work else any(outbox.parent.glob("take-over-*/*.sqlite")):
                time.sleep(self.random.uniform(0, 0.004 if at_work else 0.1))
                break
            time.sleep(0.001)
        self.cut_short += process.is_running()
        process.kill()
        self.kills["take-over"] += 1

    def _take_over(self, old: Path) -> str:
        """Take over to the end; return what was said."""
        process: ServerProcess = self.cast.take_over(0, old)
        process.start(lambda: True)
        _until(lambda: not process.is_running())
        said = process.log.read_text(encoding="utf-8")
        assert "Taken over:" in said or _NOTHING in said, said
        process.stop()
        return said.rsplit("outbox.sqlite:", 1)[-1]


def _is_made(outbox: Path) -> bool:
    try:
        return waiting_rows(outbox) >= 0
    except sqlite3.OperationalError:  # it is just being made
        return False


def _taken(outbox: Path) -> int:
    """Return how many seqs a take-over has seen to by now."""
    if not query(outbox, "SELECT 1 FROM sqlite_master WHERE name = 'taken'"):
        return 0
    return int(query(outbox, "SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM taken")[0][0])


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not done():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)
