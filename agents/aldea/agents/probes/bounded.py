"""Reading from a server that may never end: so many bytes, and so many seconds in all, and no more."""

from __future__ import annotations

import io
import socket
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Bounded:
    """A connection to read an answer from, headers and all.

    Headers may go on for ever as well as a page may, and the library reads them to their end.
    """

    def __init__(self, channel: socket.socket, most_bytes: int, within_seconds: float) -> None:
        self._channel = channel
        self._most_bytes = most_bytes
        self._within_seconds = within_seconds

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the library reads from."""
        return io.BufferedReader(_Reading(self._channel, self._most_bytes, perf_counter() + self._within_seconds))


class _Reading(io.RawIOBase):
    """Raises TimeoutError at the end of the time, and at that of the bytes HTTPException, as for what is no answer."""

    def __init__(self, channel: socket.socket, left: int, until: float) -> None:
        super().__init__()
        self._channel = channel
        self._left = left
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        import http.client  # noqa: PLC0415 - with the e-mail parser, for its probe alone

        if perf_counter() > self._until:
            raise TimeoutError
        if self._left <= 0:
            raise http.client.HTTPException("the answer has no end")
        count = self._channel.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count
