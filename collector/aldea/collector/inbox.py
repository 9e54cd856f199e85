"""What the broker has delivered and nobody has taken yet: bounded in messages and in bytes."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aldea.collector.turn import Incoming

MOST_MESSAGES = 20_000
MOST_BYTES = 64 * 1024 * 1024


class Inbox:
    """A queue between the broker's thread, which puts, and the ingesting one, which takes.

    A message larger than the limit alone is let in when nothing else waits: it will be refused with a reason.
    """

    def __init__(self, most_messages: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES) -> None:
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._messages: deque[Incoming] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._arrival = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Incoming, wait_seconds: float) -> bool:
        """Put a message in, waiting for room if need be; return False when there was none in time."""
        size = len(message.payload)
        with self._lock:
            if not self._has_room(size) and not self._room.wait_for(lambda: self._has_room(size), wait_seconds):
                return False
            self._messages.append(message)
            self._bytes += size
            if len(self._messages) == 1:
                self._arrival.notify()
        return True

    def take(self, most: int, most_bytes: int, wait_seconds: float) -> list[Incoming]:
        """Return what has arrived, oldest first, up to `most` messages and about `most_bytes`; waits for the first."""
        with self._lock:
            if not self._messages:
                self._arrival.wait_for(lambda: self._messages, wait_seconds)
            taken: list[Incoming] = []
            size = 0
            while self._messages and len(taken) < most and size < most_bytes:
                taken.append(self._messages.popleft())
                size += len(taken[-1].payload)
            self._bytes -= size
            self._room.notify()
        return taken

    def _has_room(self, size: int) -> bool:
        if not self._messages:
            return True
        return len(self._messages) < self._most_messages and self._bytes + size <= self._most_bytes
