"""Takes commands as they come, has each carried out once, and answers by rows of the outbox.

Lanes work beside each other, one command at a time in each: one for quick commands, one for those that can go on after
a stop and may take days, one for all others. So a test of the link that takes a minute never keeps somebody waiting
who wants to know what is wrong, and an upgrade that waits for next month's bytes keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from aldea.agents.operating.answers import answer
from aldea.agents.operating.handler import Handler, Outcome, State, refused, told
from aldea.agents.operating.kept import KeptCommand, KeptCommands
from aldea.agents.operating.lanes import Lane, Lanes
from aldea.agents.outbox import OutboxUnavailable
from aldea.model.clock import Clock
from aldea.model.messages import Command
from aldea.model.said import Said
from aldea.model.sample import Reading

_LOG = logging.getLogger(__name__)

ARRIVALS_MOST = 50
WAITING_MOST = 20
REPEAT_AFTER_MS = 60_000
"""An answer that was given is not given again within this: the same command often comes twice in a row."""

_INTERRUPTED = Said(
    "the box stopped while it was carrying this out, so it was not finished: ask for it again",
    "el equipo se detuvo mientras lo hacía y no lo terminó: pedirlo otra vez",
)
_CAME_LATE = Said("it came when its time was over", "llegó cuando su tiempo ya había pasado")
_OVER_WAITING = Said("its time was over before its turn came", "su tiempo pasó antes de que le tocara")
_DISK_PAUSE_SECONDS = 5.0


Append = Callable[[Reading], Awaitable[None]]
"""Stores a row in the outbox and has it sent at once."""


class CommandInbox:
    """The commands of one agent. Make it in the loop's thread; `take` may be called from any.

    `time_ms` returns the time that the server vouches for, None while it is not known: then no command is over.
    """

    def __init__(
        self,
        folder: Path,
        handlers: Sequence[Handler],
        append: Append,
        clock: Clock,
        time_ms: Callable[[], int | None],
    ) -> None:
        self._handlers = {handler.kind: handler for handler in handlers}
        self._kept = KeptCommands(folder)
        self._append = append
        self._clock = clock
        self._time_ms = time_ms
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[Command] = asyncio.Queue(ARRIVALS_MOST)
        self._lanes = Lanes()
        self._told_ms: dict[str, int] = {}
        self._disk = asyncio.Lock()

    def take(self, command: Command) -> None:
        """Take a command as it has come. Returns at once."""
        with suppress(RuntimeError):  # the loop has ended: the server sends it again
            self._loop.call_soon_threadsafe(self._arrive, command)

    async def run(self) -> None:
        """Work until cancelled. What is under way then is interrupted; the next start says so, or goes on with it."""
        tasks = [self._receive(), *map(self._work, Lane)]
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)

    async def settle(self, within_seconds: float) -> None:
        """Begin nothing more, and let what is under way end and be answered, for so long at the most.

        For a stop that the agent itself asks for. What waits has its turn after the next start.
        """
        if not await self._lanes.settle(within_seconds):
            _LOG.warning("a command is not over after %g s, and is cut off", within_seconds)

    def _arrive(self, command: Command) -> None:
        try:
            self._arrived.put_nowait(command)
        except asyncio.QueueFull:
            _LOG.warning("too many commands at once: %s (%s) is for the server to send again", *_named(command))

    # -- what comes in

    async def _receive(self) -> None:
        await self._guarded(self._go_on)
        while True:
            command = await self._arrived.get()
            await self._guarded(partial(self._sort, command))

    async def _go_on(self) -> None:
        """Take up what a stop has left."""
        for item in await self._on_disk(self._kept.unfinished):
            handler = self._handlers.get(item.command.kind)
            if handler is not None and (item.last.state is State.ACCEPTED or handler.resumes):
                self._lanes.put(handler, item.command)
            else:
                await self._tell(item.command, refused(_INTERRUPTED, "interrupted"))

    async def _sort(self, command: Command) -> None:
        found = await self._on_disk(self._kept.find, command.id)
        if found is not None:
            await self._repeat(found)
            return
        handler = self._handlers.get(command.kind)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            await self._end_new(
                command,
                refused(
                    Said(
                        f"this agent has no command of the kind {command.kind[:40]!r}; it knows {known}",
                        f"este agente no tiene órdenes del tipo {command.kind[:40]!r}; conoce {known}",
                    ),
                    "kind",
                ),
            )
        elif self._is_over(command):
            await self._end_new(command, Outcome(State.EXPIRED, told(_CAME_LATE)))
        elif self._lanes.waiting >= WAITING_MOST:
            _LOG.warning("%d commands wait: %s (%s) is for the server to send again", WAITING_MOST, *_named(command))
        else:
            _LOG.info("command %s (%s) was taken", *_named(command))
            await self._on_disk(self._kept.add, command, Outcome(State.ACCEPTED))
            waits = self._lanes.has_turn_later(handler)
            # First: what is kept has its turn, whether the outbox takes a word on it or not.
            self._lanes.put(handler, command)
            if waits:
                await self._say(command, Outcome(State.ACCEPTED))

    async def _end_new(self, command: Command, outcome: Outcome) -> None:
        await self._on_disk(self._kept.add, command, outcome)
        await self._say(command, outcome)

    async def _repeat(self, found: KeptCommand) -> None:
        told_ms = self._told_ms.get(found.command.id)
        if told_ms is None and not found.last.state.is_over:
            return  # its turn is still to come, and it is answered then
        if told_ms is None or self._clock.mono_ms() - told_ms >= REPEAT_AFTER_MS:
            await self._say(found.command, found.last)

    # -- what is done

    async def _work(self, lane: Lane) -> None:
        while True:
            command = await self._lanes.next(lane)
            with self._lanes.under_way(self._handlers[command.kind]):
                await self._guarded(partial(self._carry_out, command))

    async def _carry_out(self, command: Command) -> None:
        handler = self._handlers[command.kind]
        if self._is_over(command) and not handler.resumes:
            await self._tell(command, Outcome(State.EXPIRED, told(_OVER_WAITING)))
            return

        async def tell(state: State, detail: Mapping[str, Any]) -> None:
            try:
                await self._tell(command, Outcome(state, detail))
            except (sqlite3.Error, OSError, OutboxUnavailable) as error:
                # A word on the way is not worth the work: a disk is full for a moment, and an upgrade takes days.
                _LOG.error("how far the command %s (%s) is cannot be written down: %s", *_named(command), error)

        running = Outcome(State.RUNNING)
        try:
            await (self._note(command, running) if handler.quick else self._tell(command, running))
        except (sqlite3.Error, OSError, OutboxUnavailable):
            self._lanes.put(handler, command)  # it is kept, so nobody brings it again
            raise
        try:
            outcome = await handler.carry_out(command, tell)
        except Exception as error:  # noqa: BLE001 - one kind's fault must not end the others
            _LOG.exception("command %s (%s) failed", *_named(command))
            outcome = refused(_fault(error), "fault")
        _LOG.info("command %s (%s): %s", *_named(command), outcome.state.value)
        await self._end(command, outcome)

    # -- what is said

    async def _end(self, command: Command, outcome: Outcome) -> None:
        """Keep and say how a command has ended, whatever the disk thinks of it for the moment."""
        while True:
            try:
                await self._note(command, outcome)
                await self._say(command, outcome)
            except (sqlite3.Error, OSError, OutboxUnavailable) as error:
                _LOG.error("how the command %s (%s) ended cannot be written down yet: %s", *_named(command), error)
                await asyncio.sleep(_DISK_PAUSE_SECONDS)
            else:
                return

    async def _tell(self, command: Command, outcome: Outcome) -> None:
        """Keep a word and say it: in this order, so that it can be repeated when only the first was done."""
        try:
            await self._note(command, outcome)
        finally:
            await self._say(command, outcome)

    async def _note(self, command: Command, outcome: Outcome) -> None:
        await self._on_disk(self._kept.note, command.id, outcome)

    async def _say(self, command: Command, outcome: Outcome) -> None:
        await self._append(answer(command.id, command.kind, outcome.state, outcome.detail))
        self._told_ms[command.id] = self._clock.mono_ms()
        while len(self._told_ms) > ARRIVALS_MOST:
            del self._told_ms[next(iter(self._told_ms))]

    def _is_over(self, command: Command) -> bool:
        now_ms = self._time_ms()
        return now_ms is not None and now_ms >= command.expires_ms

    async def _on_disk(self, work: Callable[..., Any], *values: Any) -> Any:
        async with self._disk:
            return await asyncio.to_thread(work, *values)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it; a disk that refuses is waited out for a moment, and whatever else is said. Commands come again."""
        try:
            await work()
        except (sqlite3.Error, OSError, OutboxUnavailable) as error:
            _LOG.error("commands cannot be kept just now: %s", error)
            await asyncio.sleep(_DISK_PAUSE_SECONDS)
        except Exception:  # noqa: BLE001 - the next command is still to come
            _LOG.exception("a command could not be dealt with")


def _fault(error: Exception) -> Said:
    what = f"{type(error).__name__}: {error}"
    return Said(f"a fault in the agent: {what}", f"una falla en el agente: {what}")


def _named(command: Command) -> tuple[str, str]:
    return command.id[:64], command.kind[:40]
