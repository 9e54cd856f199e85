"""What the facilitator works with: the book, the roster, the forms, and the way to the outbox."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aldea.agents.outbox import Outbox
from aldea.agents.records.book import RecordBook
from aldea.agents.records.handing import Handing
from aldea.agents.records.programmes import ProgrammeShelf
from aldea.agents.records.roster import Draft, Roster
from aldea.agents.records.shelf import FormShelf
from aldea.model.clock import Clock

EVERY_SECONDS = 30.0
"""How often records are looked after when nobody enters any."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts together. `hand_over` puts what was entered into the outbox, and tells the uplink."""

    book: RecordBook
    roster: Roster
    shelf: FormShelf
    programmes: ProgrammeShelf
    handing: Handing
    recorded: Callable[[], None]

    def hand_over(self) -> None:
        """Look after what is on its way, and send what was entered. Never raises for want of room."""
        if self.handing.hand_over():
            self.recorded()

    def tidy(self) -> None:
        """Forget half-filled forms that were stored, or that nobody has come back to. Never raises for want of room."""
        known_ms = self.handing.known_ms()
        with suppress(sqlite3.Error, OSError):
            for draft in self.roster.drafts():
                if self.book.by_token(draft.token) is not None:
                    self.roster.drop_draft(draft.token)
            if known_ms is not None:
                self.roster.forget_drafts(known_ms)
            self.roster.leave_nothing()

    def unfinished(self) -> tuple[Draft, ...]:
        """Return the half-filled forms, the newest first; one that the power cut short after it was stored is none."""
        return tuple(draft for draft in self.roster.drafts() if self.book.by_token(draft.token) is None)

    async def look_after(self) -> None:
        """Hand over again and again, so that what was cut short goes on."""
        while True:
            await asyncio.to_thread(self.hand_over)
            await asyncio.to_thread(self.tidy)
            await asyncio.sleep(EVERY_SECONDS)

    def close(self) -> None:
        """Close the files."""
        self.book.close()
        self.roster.close()


def open_desk(folder: Path, outbox: Outbox, clock: Clock, recorded: Callable[[], None]) -> Desk:
    """Open the files in the data folder. Raises OSError or sqlite3.Error where the disk does not allow it."""
    shelf, programmes = FormShelf(folder), ProgrammeShelf(folder)
    book = RecordBook(folder)
    try:
        roster = Roster(folder)
    except BaseException:
        book.close()
        raise
    return Desk(book, roster, shelf, programmes, Handing(book, outbox, clock, shelf, programmes), recorded)
