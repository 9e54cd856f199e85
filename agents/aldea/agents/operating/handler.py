"""What carries out one kind of command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from aldea.model.messages import Command
from aldea.model.said import Said


class State(StrEnum):
    """What the device says of a command."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is said of it."""
        return self not in {State.ACCEPTED, State.RUNNING}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, or goes on by itself after the next start (`running`).

    `detail` is JSON; `sentence` and `sentence_es` in it are what a person reads first.
    """

    state: State
    detail: Mapping[str, Any] = field(default_factory=dict)


def refused(sentence: str, reason: str = "") -> Outcome:
    """Return the outcome of a command that was not carried out, and why; `reason` is a word for programs."""
    return Outcome(State.FAILED, {**told(sentence), **({"reason": reason} if reason else {})})


def told(sentence: str) -> dict[str, str]:
    """Return a sentence as an answer has it: also in Spanish, where it was said so."""
    spanish = {"sentence_es": sentence.es} if isinstance(sentence, Said) else {}
    return {"sentence": str(sentence), **spanish}


Tell = Callable[[State, Mapping[str, Any]], Awaitable[None]]
"""Says how far a command is (`running`, with what there is to say); each word is a row that is sent at once."""


class Handler(Protocol):
    """Carries out the commands of one kind, one at a time.

    `quick`: done within seconds, and costs next to nothing; such commands don't wait behind the others. `resumes`: a
    command that was under way when the agent stopped is given to `carry_out` again after the start; without it, it
    is answered `failed`. An exception is a fault of the handler: it is logged and answered `failed`.
    """

    @property
    def kind(self) -> str:
        """The kind of command, as the server names it."""
        ...

    @property
    def quick(self) -> bool:
        """Whether it has the lane for quick ones."""
        ...

    @property
    def resumes(self) -> bool:
        """Whether it can go on with what a stop has interrupted."""
        ...

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Carry it out and return how it ended. Cancelled when the agent stops."""
        ...
