"""Was there a link at all? While settings or a release are on trial, the broker from before is knocked at now and then.

The knocking has nothing of what is on trial: it asks the broker that is known to have answered, by its own short word,
and says nothing of who asks. So a link that is cut just as a trial begins, and is back just as it ends, is seen.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aldea.agents.tcp_info import tcp_info
from aldea.model.clock import Clock

LOOKS = 20
"""So often is looked in the time of a trial, if it takes as many."""
ANSWERS_WITHIN_SECONDS = 10.0
_HELLO = bytes([0x10, 12, 0, 4, *b"MQTT", 4, 2, 0, 10, 0, 0])
"""MQTT 3.1.1, a clean session of nobody in particular: taken or refused, the broker answers (CONNACK)."""
_GOODBYE = bytes([0xE0, 0])
_OPENING_BYTES = 400
"""A name that is asked for, and four tries to open a connection; its end, where there is one."""
_UNCOUNTED_BYTES = 6_000
"""What an encrypted look costs at the most, where the kernel does not count."""

Spent = Callable[[int], None]
"""Told the bytes that a look has put on the link."""


@dataclass(frozen=True, slots=True)
class Place:
    """A broker that has answered before."""

    host: str
    port: int
    tls: bool = False


def answers(place: Place, spent: Spent | None = None) -> bool:
    """Say whether a broker answers there: its part of a TLS handshake, or its word to a client without a name.

    A connection alone proves nothing: modems of satellite links accept them in the name of everybody. Who answers is
    not verified, and is told nothing. Each step blocks for ten seconds at the most, and names for as long as they take.
    """
    found, cost = False, _OPENING_BYTES
    with (
        suppress(OSError, ValueError, OverflowError),
        socket.create_connection((place.host, place.port), timeout=ANSWERS_WITHIN_SECONDS) as connection,
        # A handle of our own: the encrypted one is gone with its end, and the kernel's count with it.
        socket.socket(fileno=os.dup(connection.fileno())) as counted,
    ):
        with suppress(OSError, ValueError):
            found = _says_something(connection, place)
        info = tcp_info(counted, comes_full=False)
        cost += _UNCOUNTED_BYTES if info is None else info.wire_bytes
    if spent is not None:
        spent(cost)
    return found


def _says_something(connection: socket.socket, place: Place) -> bool:
    """Ask; False, or OSError or ValueError, where nothing is said."""
    if place.tls:
        import ssl  # noqa: PLC0415 - the launcher, which is to start fast, needs it in a trial alone

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(connection, server_hostname=place.host):
            return True
    connection.sendall(_HELLO)
    answered = bool(connection.recv(1))
    with suppress(OSError):
        connection.sendall(_GOODBYE)
    return answered


def booked_in(data: Path) -> Spent:
    """Return what books looks in the account of a data folder, for a program that is not the agent at work in it."""

    def book(count: int) -> None:
        from aldea.agents.budget.store import LedgerFile  # noqa: PLC0415 - in a trial alone, as above

        with suppress(OSError):  # a trial goes on where the disk takes nothing
            LedgerFile(data).add_telemetry(count)

    return book


class LinkWatch:
    """Knocks at a place in a thread of its own, until the link has shown to be there for half a trial's time.

    Half of it without a break: an agent that was cut off waits a while before it connects again. `spent` is told what
    the looks cost.
    """

    def __init__(
        self,
        place: Place,
        patience_ms: int,
        clock: Clock,
        looks: Callable[[Place], bool] | None = None,
        spent: Spent | None = None,
    ) -> None:
        self._place = place
        self._enough_ms = patience_ms // 2
        self._pause_seconds = patience_ms / 1000 / LOOKS
        self._clock = clock
        self._looks = looks or partial(answers, spent=spent)
        self._since_ms: int | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.had_link = False
        """Whether what is on trial had a link for long enough to be heard over it."""

    def start(self) -> None:
        """Begin, or go on after a stop: what was seen before it counts."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(self._ended,), name="link watch", daemon=True)
        self._thread.start()

    def stop(self, within_seconds: float = 0.0) -> None:
        """Look no more; wait so long for a look that is under way."""
        self._ended.set()
        if within_seconds > 0 and self._thread is not None:
            self._thread.join(within_seconds)

    def look(self) -> None:
        """Look once; and once more where nobody answers: poor links lose one question in a few, and carry an agent."""
        if not self._looks(self._place) and (self._ended.is_set() or not self._looks(self._place)):
            self._since_ms = None
            return
        now_ms = self._clock.mono_ms()
        if self._since_ms is None:
            self._since_ms = now_ms
        self.had_link = self.had_link or now_ms - self._since_ms >= self._enough_ms

    def _watch(self, ended: threading.Event) -> None:
        while not ended.is_set() and not self.had_link:
            self.look()
            ended.wait(self._pause_seconds)
