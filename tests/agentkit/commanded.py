"""An inbox of commands on a folder, with handlers that do what a test says and everything it answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentkit.waiting import eventually
from aldea.agents.operating.handler import Outcome, State, Tell
from aldea.agents.operating.inbox import CommandInbox
from aldea.agents.outbox import OutboxUnavailable
from aldea.model.clock import ManualClock
from aldea.model.messages import Command
from aldea.model.sample import Reading

FOREVER = 2**50


@dataclass
class Scripted:
    """A handler that does what the test says, once it is let go."""

    kind: str = "test"
    quick: bool = False
    resumes: bool = False
    outcome: Outcome = field(default_factory=lambda: Outcome(State.DONE, {"found": 1}))
    steps: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.begun: list[str] = []

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        self.begun.append(command.id)
        for step in self.steps:
            await tell(State.RUNNING, step)
        await self.go.wait()
        if command.payload.get("crash"):
            raise RuntimeError("a fault in the handler")
        return self.outcome


class CommandedBox:
    """An inbox on a folder, with what it has said."""

    def __init__(self, folder: Path, *handlers: Scripted, now_ms: int | None = None) -> None:
        self.clock = ManualClock()
        self.said: list[tuple[str, str, dict[str, Any]]] = []
        self.refuses: list[dict[str, Any]] = []  # details that the outbox has no room for
        self.inbox = CommandInbox(folder, handlers, self.append, self.clock, lambda: now_ms)
        self._task = asyncio.create_task(self.inbox.run())

    async def append(self, reading: Reading) -> None:
        fields, detail = reading.fields, json.loads(str(reading.fields["detail"]))
        if detail in self.refuses:
            raise OutboxUnavailable("the disk is full", "disk_full")
        self.said.append((str(fields["command"]), str(fields["state"]), detail))

    @property
    def words(self) -> list[tuple[str, str]]:
        """What was said of which command."""
        return [(command, state) for command, state, _ in self.said]

    async def hears(self, *states: tuple[str, str]) -> None:
        """Wait until exactly this has been said."""
        await eventually(lambda: len(self.said) >= len(states))
        await asyncio.sleep(0.02)
        assert self.words == list(states)

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


def command(number: str = "one", kind: str = "test", expires_ms: int = FOREVER, **payload: Any) -> Command:
    return Command(number, kind, payload, expires_ms)


def story(tell: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(tell())
