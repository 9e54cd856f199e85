"""Where commands wait their turn: lanes beside each other, in each one command at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from aldea.agents.operating.handler import Handler
from aldea.model.messages import Command


class Lane(Enum):
    """Where a command waits its turn."""

    QUICK = "quick"
    SLOW = "slow"
    LONG = "long"


def lane_of(handler: Handler) -> Lane:
    """Return the lane that a handler's commands have."""
    if handler.quick:
        return Lane.QUICK
    return Lane.LONG if handler.resumes else Lane.SLOW


@dataclass(frozen=True, slots=True)
class _UnderWay:
    resumes: bool
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Lanes:
    """The lanes of one inbox. For the loop's thread."""

    def __init__(self) -> None:
        self._queues: dict[Lane, asyncio.Queue[Command]] = {lane: asyncio.Queue() for lane in Lane}
        self._under_way: dict[Lane, _UnderWay] = {}
        self._open = asyncio.Event()
        self._open.set()

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return sum(queue.qsize() for queue in self._queues.values())

    def has_turn_later(self, handler: Handler) -> bool:
        """Say whether a command put there now has to wait for others, so that a person is told."""
        lane = lane_of(handler)
        return lane is not Lane.QUICK and (lane in self._under_way or self._queues[lane].qsize() > 0)

    def put(self, handler: Handler, command: Command) -> None:
        """Let a command wait for its turn."""
        self._queues[lane_of(handler)].put_nowait(command)

    async def next(self, lane: Lane) -> Command:
        """Return the lane's next command, once there is one and the lanes are open."""
        await self._open.wait()
        command = await self._queues[lane].get()
        await self._open.wait()
        return command

    @contextmanager
    def under_way(self, handler: Handler) -> Iterator[None]:
        """Note that a command of this handler is carried out meanwhile."""
        lane, this = lane_of(handler), _UnderWay(handler.resumes)
        self._under_way[lane] = this
        try:
            yield
        finally:
            del self._under_way[lane]
            this.over.set()

    async def settle(self, within_seconds: float) -> bool:
        """Begin nothing more; return once what is under way is over, whether it was in time.

        What goes on by itself after a stop is not waited for.
        """
        self._open.clear()
        waited = [one.over for one in self._under_way.values() if not one.resumes]
        try:
            async with asyncio.timeout(within_seconds):
                for over in waited:
                    await over.wait()
        except TimeoutError:
            return False
        return True
