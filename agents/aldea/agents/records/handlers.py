"""What the server asks of the book and the shelf: commands `record_returned`, `form`, `programmes`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aldea.agents.operating.handler import Handler, Outcome, State, Tell, refused
from aldea.agents.records.book import RecordBook
from aldea.agents.records.desk import Desk
from aldea.agents.records.programmes import ProgrammeShelf
from aldea.agents.records.shelf import FormShelf
from aldea.model.forms import FormError
from aldea.model.messages import Command

MOST_SENTENCES = 20
LONGEST_SENTENCE = 600


def record_handlers(desk: Desk) -> tuple[Handler, ...]:
    """Return the handlers of a box where records are entered."""
    return (ReturnedHandler(desk.book), FormHandler(desk.shelf), ProgrammesHandler(desk.programmes))


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


class FormHandler:
    """`form` {definition}: keeps a newer definition of a form, after checking it."""

    kind = "form"
    quick = True
    resumes = True

    def __init__(self, shelf: FormShelf) -> None:
        self._shelf = shelf

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Check the definition and keep it."""
        del tell
        document = command.payload.get("definition")
        if not isinstance(document, Mapping):
            return refused("the command holds no definition")
        try:
            taken = await asyncio.to_thread(self._shelf.take, document)
        except (FormError, OSError) as error:
            return refused(str(error))
        return Outcome(State.DONE, {"taken": taken})


class ProgrammesHandler:
    """`programmes` {programmes}: keeps the dates within which records of a programme lie."""

    kind = "programmes"
    quick = True
    resumes = True

    def __init__(self, shelf: ProgrammeShelf) -> None:
        self._shelf = shelf

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Check the dates and keep them."""
        del tell
        try:
            taken = await asyncio.to_thread(self._shelf.take, command.payload.get("programmes"))
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
