"""What a connection to the broker has cost, by the kernel's count of it, beside what the interface has carried."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from aldea.agents.tcp_info import TcpInfo, tcp_info
from labkit.namespaces import Namespace, cable
from rigs.processes import RigError

SITE, SERVER = "192.0.2.2", "192.0.2.1"
EXCHANGES, UP_BYTES, DOWN_BYTES = 400, 180, 60
"""As batches and their acknowledgements are: nothing fills a segment."""


@pytest.fixture(scope="module")
def places() -> Iterator[tuple[Namespace, Namespace]]:
    with ExitStack() as stack:
        try:
            site, server = (stack.enter_context(Namespace(name)) for name in ("site", "server"))
            cable(site, "wan", f"{SITE}/30", server, "lan", f"{SERVER}/30")
        except RigError as error:
            pytest.skip(str(error))
        yield site, server


def _answer(listener: socket.socket) -> None:
    with suppress(OSError), listener.accept()[0] as channel:
        while channel.recv(UP_BYTES, socket.MSG_WAITALL):
            channel.sendall(bytes(DOWN_BYTES))


def _converse(port: int) -> TcpInfo | None:
    with socket.create_connection((SERVER, port), timeout=60) as channel:
        for _ in range(EXCHANGES):
            channel.sendall(bytes(UP_BYTES))
            channel.recv(DOWN_BYTES, socket.MSG_WAITALL)
        return tcp_info(channel, comes_full=False)


def test_a_conversation_of_small_messages_costs_what_the_interface_has_carried(
    places: tuple[Namespace, Namespace],
) -> None:
    site, server = places
    with server.call(socket.create_server, (SERVER, 0)) as listener:
        threading.Thread(target=_answer, args=(listener,), daemon=True).start()
        before = site.counters("wan")
        found = site.call(_converse, listener.getsockname()[1])
        carried = site.counters("wan").since(before).total_bytes
    assert found is not None
    assert found.wire_bytes == pytest.approx(carried, rel=0.05)
