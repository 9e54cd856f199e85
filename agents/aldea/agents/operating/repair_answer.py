"""`repair_answer`: what the server says to a repair that was reported on the box's page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.agents.operating.handler import Outcome, State, Tell, refused
from aldea.agents.page_settings import LANGUAGES

if TYPE_CHECKING:
    from aldea.model.messages import Command

_LONGEST_SENTENCE = 1_000


class RepairAnswer:
    """`{"repair": id, "confirmed": true|false, "sentence_es": …, "sentence_en": …}`: shown where it was reported."""

    kind = "repair_answer"
    quick = True
    resumes = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:  # noqa: ARG002 - it has no steps
        """Note the answer."""
        from aldea.agents.page.repairs import RepairBook  # noqa: PLC0415 - seldom used

        payload = command.payload
        repair, confirmed = payload.get("repair"), payload.get("confirmed")
        if not isinstance(repair, str) or not isinstance(confirmed, bool):
            return refused("the answer names no repair, or does not say whether it is confirmed")
        sentences = {code: str(payload.get(f"sentence_{code}") or "")[:_LONGEST_SENTENCE] for code in LANGUAGES}
        book = RepairBook(self._folder)
        try:
            known = await asyncio.to_thread(book.answered, repair, sentences, confirmed=confirmed)
        except OSError as error:
            return refused(f"the answer cannot be kept: {error}")
        return Outcome(State.DONE) if known else refused(f"no repair {repair[:32]!r} was reported here")
