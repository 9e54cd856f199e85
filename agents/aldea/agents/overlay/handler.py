"""The command `settings`: take them, start anew with them, and say what became of them once that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aldea.agents.operating.handler import Outcome, State, Tell, refused
from aldea.model.said import Said

if TYPE_CHECKING:
    from aldea.agents.overlay.desk import SettingsDesk
    from aldea.model.messages import Command

_LOOK_SECONDS = 0.5
_NO_DESK = Said(
    "this agent was started in a way that takes no settings from afar",
    "este agente se arrancó de una manera que no admite ajustes a distancia",
)


class SettingsFromAfar:
    """Carries out `settings`: a revision and a document, the `[agent]` table's keys.

    `start_anew` ends this run of the agent so that the next one has them. The command is under way across the starts,
    and is answered by the run that knows how the trial has ended. No `desk`: an agent that takes no settings.
    """

    kind = "settings"
    quick = True
    resumes = True

    def __init__(self, desk: SettingsDesk | None, start_anew: Callable[[], None]) -> None:
        self._desk = desk
        self._start_anew = start_anew

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Carry it out; while they are on trial, wait for how that ends.

        Returns `running` for settings that are to be tried again: the start after that goes on with them, unless newer
        ones come first.
        """
        if self._desk is None:
            return refused(_NO_DESK)
        while self._desk.is_held:  # noqa: ASYNC110 - the launcher ends a release's trial, and us with it
            await asyncio.sleep(_LOOK_SECONDS)
        answer = self._desk.take(command.id, command.payload)
        if answer.restart:
            await tell(State.RUNNING, answer.detail)
            self._start_anew()
            await asyncio.Event().wait()  # until the stop cancels us: the next run goes on with it
        while self._desk.is_open:  # noqa: ASYNC110 - time is what is waited for
            await asyncio.sleep(_LOOK_SECONDS)
        answer = self._desk.take(command.id, command.payload)
        return Outcome(State(answer.state), answer.detail)
