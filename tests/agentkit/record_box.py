"""A box's book of records and its outbox, cut off and opened again as a test wants."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentkit.making import make_outbox
from aldea.agents.records import Handing, NewEntry, RecordBook
from aldea.model.clock import ManualClock

NOW_MS = 1_795_366_800_000
DAY_MS = 86_400_000
PAYLOAD: Mapping[str, Any] = {"activity": "Taller", "participants": [], "unkeyed": 1}


def entry_of(number: int = 1, **more: Any) -> NewEntry:
    """Return something to enter."""
    return NewEntry("attendance", "2", "2026-11-20", {**PAYLOAD, "unkeyed": number}, **more)


@dataclass
class Box:
    """A box's files; they can be left as a power cut leaves them, and opened again."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW_MS))
    boots: int = 0

    def __post_init__(self) -> None:
        self.book = RecordBook(self.folder)
        self.open_outbox()

    def open_outbox(self) -> None:
        """Start the agent again."""
        self.boots += 1
        self.outbox = make_outbox(self.folder, boot=f"{self.boots:032x}", mono_ms=self.clock.mono_ms())
        self.handing = Handing(self.book, self.outbox, self.clock)

    def cut(self) -> None:
        """Cut the power: whatever was open is gone, and everything is opened anew."""
        self.close()
        self.book = RecordBook(self.folder)
        self.open_outbox()

    def close(self) -> None:
        self.book.close()
        self.outbox.close()

    def waiting(self, measurement: str = "record") -> list[tuple[str, int, Mapping[str, Any]]]:
        """Return every row of a measurement in the outbox: epoch, seq, fields."""
        found = []
        for epoch in self.epochs():
            first = 1
            while (held := self.outbox.between(epoch, first, 2**60, 1000)) is not None:
                found += [(held.epoch, row.seq, row.fields) for row in held.rows if row.measurement == measurement]
                first = held.last_seq + 1
        return found

    def epochs(self) -> list[str]:
        with sqlite3.connect(self.folder / "outbox.sqlite") as db:
            names = [str(row[0]) for row in db.execute("SELECT name FROM epoch ORDER BY id")]
        db.close()
        return names
