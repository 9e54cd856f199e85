"""The page's open connections: which are ended, so that there is room for whoever comes next.

A village's phones hold connections open for nothing, and somebody may do so on purpose, a byte now and then. By the
time since boot: the wall clock of a box jumps by years.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aldea.model.clock import Clock

IDLE_MS = 3_000
LONGEST_MS = 60_000
MOST_HELD_BYTES = 3_000_000
"""Of forms that are not whole yet, all together: they wait in memory."""
_CROWDED = 0.8


@dataclass(slots=True)
class _Held:
    began_ms: int
    heard: float
    heard_ms: int


class Connections:
    """Looks at a server's channels and ends some. `most`: so many the server takes at once. For one thread."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._crowd = int(most * _CROWDED)
        self._held: dict[Any, _Held] = {}

    def end_some(self, channels: Iterable[Any]) -> None:
        """End what is held for nothing, and requests that take too long to come.

        In a crowd also the oldest unfinished ones of the address that has the most: a request that comes at once
        always finds room.
        """
        now_ms = self._clock.mono_ms()
        before, self._held = self._held, {}
        waiting = []
        for channel in channels:
            held = before.get(channel) or _Held(now_ms, channel.last_activity, now_ms)
            if held.heard != channel.last_activity:
                held.heard, held.heard_ms = channel.last_activity, now_ms
            self._held[channel] = held
            if channel.requests or channel.will_close:
                continue
            is_answered = channel.request is None and not channel.total_outbufs_len
            idle = is_answered and now_ms - held.heard_ms > IDLE_MS
            if idle or now_ms - held.began_ms > LONGEST_MS:
                channel.will_close = True
            else:
                waiting.append(channel)
        self._thin(waiting)
        _let_go(waiting)

    def _thin(self, waiting: list[Any]) -> None:
        """End the oldest of those that have asked nothing yet, of the address with the most of them first."""
        waiting.sort(key=lambda channel: self._held[channel].began_ms)
        by_address = Counter(_address(channel) for channel in waiting)
        for _ in range(len(waiting) - self._crowd):
            most = by_address.most_common(1)[0][0]
            oldest = next(channel for channel in waiting if _address(channel) == most)
            waiting.remove(oldest)
            by_address[most] -= 1
            oldest.will_close = True


def _let_go(waiting: Iterable[Any]) -> None:
    """End those that hold the most of a form, of the address that holds the most, until all hold little enough."""
    by_address: dict[str, list[tuple[int, int, Any]]] = {}
    for number, channel in enumerate(waiting):
        by_address.setdefault(_address(channel), []).append((_held_bytes(channel), number, channel))
    sums = {address: sum(count for count, _, _ in items) for address, items in by_address.items()}
    while sum(sums.values()) > MOST_HELD_BYTES:
        most = max(sums, key=lambda address: sums[address])
        by_address[most].sort()
        count, _, largest = by_address[most].pop()
        largest.will_close = True
        sums[most] -= count


def _held_bytes(channel: Any) -> int:
    return 0 if channel.request is None else int(channel.request.body_bytes_received)


def _address(channel: Any) -> str:
    return str(channel.addr[0] if isinstance(channel.addr, tuple) else channel.addr)
