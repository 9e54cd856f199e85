"""A real mosquitto, with its stock settings unless a test asks for others."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

from rigs.processes import LOOPBACK, ServerProcess, find_program, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"
_CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


class Mosquitto:
    """A mosquitto on a free port. It may be killed and started again; the port stays the same.

    `extra` are lines for its configuration, such as `"max_queued_messages 100"`; `first` are lines that must come
    before all others.
    """

    def __init__(
        self, folder: Path, extra: Sequence[str] = (), port: int | None = None, *, first: Sequence[str] = ()
    ) -> None:
        program = find_program("mosquitto", "mosquitto")
        self.host = LOOPBACK
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "mosquitto.conf"
        # As root mosquitto would become another user, who may not write in the folder.
        lines = [*first, f"listener {self.port} {LOOPBACK}", "allow_anonymous true", "user root", *extra]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.process = ServerProcess("mosquitto", [program, "-c", str(config)], folder / "mosquitto.log")

    def start(self) -> Self:
        """Start it and wait until it accepts clients."""
        self.process.start(self.accepts_clients)
        return self

    def stop(self) -> None:
        """End it in good order: clients are disconnected, persistence (if asked for) is written."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is written."""
        self.process.kill()

    def accepts_clients(self) -> bool:
        """Tell whether it answers an anonymous CONNECT."""
        try:
            with socket.create_connection((self.host, self.port), timeout=1.0) as connection:
                connection.sendall(_CONNECT)
                return connection.recv(4) == _CONNACK_ACCEPTED
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
