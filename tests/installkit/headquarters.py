"""Where the machine enrols and delivers to: a server, a broker with TLS and passwords, a collector."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.deploy.broker.access import COLLECTOR
from aldea.deploy.broker.secured import FieldWish, start_secured
from aldea.model.clock import SystemClock
from deploy.test_enrolment import Server
from rigs.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running_headquarters(folder: Path) -> Iterator[Server]:
    """Run all of it; yield the server, which gives codes."""
    server = Server(folder, SystemClock())
    wish = FieldWish("127.0.0.1", free_port(), "localhost")
    broker = start_secured(folder, wish, server.register, SystemClock(), lambda _: None)
    address = BrokerAddress("localhost", wish.port, COLLECTOR, broker.passwords.collector, folder / "broker/ca.crt")
    collector = Collector("main", folder / "collector", address, server.register, server.series, SystemClock())
    collector.start()
    try:
        yield server
    finally:
        collector.stop()
        broker.stop()
        server.close()
