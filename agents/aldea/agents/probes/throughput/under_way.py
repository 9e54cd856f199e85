"""What still crosses the link after a test was cut: it comes to a closed door, where no kernel counts it."""

from __future__ import annotations

import errno
import select
import socket
from time import perf_counter
from typing import Any

from aldea.agents.tcp_info import tcp_info

WAIT_SECONDS = 2.0
_ASKED_AGAIN_SECONDS = 0.9
KNOCK_BYTES = 240
"""The question of a knock, its answer, and the goodbye."""
END_BYTES = 150
"""A connection's end, and the options of its beginning, which no kernel's count of it has."""
_LOOK_BACK_SECONDS = 2.0
"""The rate is that of so long: on a slow link, a window has but a few segments."""
_LEAST_SPAN_SECONDS = 0.2
_STANDING_RATIO = 1.5
_DOUBLING = 2.0
_REFUSED_RATIO = 1.03
"""Each segment of 1,500 bytes that comes to a closed door is answered with 40."""
ACKNOWLEDGED_LATE_BYTES = 92
"""A segment of ours that was under way when an upload was cut is acknowledged with 52, which is answered with 40."""


class Arrivals:
    """The bytes that had come at moments of a download, in this direction and on the wire."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def add(self, at_seconds: float, count: int) -> None:
        """Take the sum at a moment; the first one is that of the start."""
        self._seen.append((at_seconds, count))

    def bytes_per_second(self, within_seconds: float) -> float:
        """Return the rate of the last so many seconds, or of as many as there are."""
        rates = self._rates(within_seconds)
        return rates[0] if rates else 0.0

    def growth(self, within_seconds: float) -> float:
        """Return how many times as fast the last so many seconds were as those before: 1 to 2, as TCP begins."""
        rates = self._rates(within_seconds)
        return _DOUBLING if len(rates) < 2 else min(_DOUBLING, max(1.0, rates[0] / max(rates[1], 1.0)))

    def _rates(self, within_seconds: float) -> list[float]:
        """Return the rates of spans of so many seconds at least, the last one first; the oldest may be shorter."""
        found: list[float] = []
        if not self._seen:
            return found
        ends, until = self._seen[-1]
        least = max(within_seconds, _LEAST_SPAN_SECONDS)
        for place, (at, count) in reversed(list(enumerate(self._seen[:-1]))):
            # The last look is at the cut, which may be a moment after the one before.
            if ends - at >= least or (place == 0 and ends > at):
                found.append((until - count) / (ends - at))
                ends, until = at, count
        return found


class Knock:
    """A new connection to the server, asked for just before a test is cut: its answer comes behind all under way."""

    def __init__(self, peer: tuple[Any, ...], family: int) -> None:
        self._began = perf_counter()
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(0)
        self._refused = self._socket.connect_ex(peer) not in {0, errno.EINPROGRESS}

    def answer_seconds(self) -> float | None:
        """Return how long the answer took, WAIT_SECONDS where none comes in time; None where nobody could be asked."""
        with self._socket:
            if self._refused:
                return None
            waiting = select.poll()
            waiting.register(self._socket, select.POLLOUT)
            waiting.poll(1000 * max(0.0, WAIT_SECONDS - (perf_counter() - self._began)))
            info = tcp_info(self._socket, comes_full=False)
            took = perf_counter() - self._began
            error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error not in {0, errno.ECONNREFUSED}:  # a refusal is an answer as well
            return None
        # By the kernel's clock: here it may be a while until somebody looks. Asked twice, it began with the first.
        if info is not None and info.rtt_seconds > 0 and took < info.rtt_seconds + _ASKED_AGAIN_SECONDS:
            took = info.rtt_seconds
        return min(WAIT_SECONDS, took)


def bytes_under_way(arrivals: Arrivals, answered_seconds: float, idle_seconds: float, *, has_begun: bool) -> int:
    """Return about what still comes, and what refusing it costs.

    A full link goes on at its rate until the answer comes through. Where no queue stands before the link and TCP is
    still finding its rate (`has_begun` False), what is under way has grown as what came has: up to twice what came in
    the last round trip. `idle_seconds`: how long an answer took before the test.
    """
    if has_begun or answered_seconds > _STANDING_RATIO * idle_seconds:
        coming = arrivals.bytes_per_second(_LOOK_BACK_SECONDS) * answered_seconds
    else:
        coming = arrivals.growth(idle_seconds) * arrivals.bytes_per_second(idle_seconds) * answered_seconds
    return round(coming * _REFUSED_RATIO)
