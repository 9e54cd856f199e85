"""What the server asks of the book and the shelf: commands `record_returned`, `form`, `programmes`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aldea.agents.operating.handler import Handler, Outcome, State, Tell, refused
from aldea.agents.records.book import RecordBook
from aldea.agents.records.desk import Desk
from aldea.model.messages import Command

MOST_SENTENCES = 20
LONGEST_SENTENCE = 600


def record_handlers(desk: Desk) -> tuple[Handler, ...]:
    """Return the handlers of a box where records are entered."""
    return (
        ReturnedHandler(desk.book),
        ShelfHandler("form", "definition", desk.shelf.take),
        ShelfHandler("programmes", "programmes", desk.programmes.take),
    )


class ReturnedHandler:
    """`record_returned` {record, version, sentences by language}: shows the facilitator what the server gave back."""

    kind = "record_returned"
    quick = True
    resumes = True

    def __init__(self, book: RecordBook) -> None:
        self._book = book

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Note it in the book."""
        del tell
        record, version = str(command.payload.get("record")), command.payload.get("version")
        if not isinstance(version, int):
            return refused("the command names no version of a record")
        sentences = _sentences(command.payload.get("sentences"))
        known = await asyncio.to_thread(self._book.returned, record, version, sentences)
        return Outcome(State.DONE, {"known": known})


class ShelfHandler:
    """A command that brings one part for a shelf, which checks and keeps it; what is there already is passed over."""

    quick = True
    resumes = True

    def __init__(self, kind: str, part: str, take: Callable[[Any], bool]) -> None:
        self.kind = kind
        self._part = part
        self._take = take

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Check what was sent and keep it; it is refused in the shelf's words."""
        del tell
        try:
            taken = await asyncio.to_thread(self._take, command.payload.get(self._part))
        except (ValueError, OSError) as error:
            return refused(str(error))
        return Outcome(State.DONE, {"taken": taken})


def _sentences(given: Any) -> dict[str, list[str]]:
    if not isinstance(given, Mapping):
        return {}
    return {
        str(code)[:2]: [str(text)[:LONGEST_SENTENCE] for text in texts[:MOST_SENTENCES]]
        for code, texts in given.items()
        if isinstance(texts, list)
    }
