"""A link that can be cut: a TCP relay between an agent and the broker, on loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Link:
    """Passes bytes on to `port` of loopback; while it is cut, what was connected hangs and nobody gets through."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut = threading.Event()
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def cut(self) -> None:
        """The satellite is gone: no packet comes through, and nobody is told."""
        self._cut.set()

    def mend(self) -> None:
        """It is back; connections from before are found to be dead."""
        self._drop()
        self._cut.clear()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            self._sockets.append(near)
            if self._cut.is_set():
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._to), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._sockets.append(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                if self._cut.is_set():
                    return
                other.sendall(data)
        except OSError:
            pass
        if not self._cut.is_set():
            for ended in (one, other):
                ended.close()

    def _drop(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.close()
        self._drop()
