"""Which broker runs, on which port, and what is said when that port is taken."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Literal, Protocol

from aldea.deploy.words import said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_PORT = 1883
HOST = "127.0.0.1"

# A packet above this ends its sender's connection: no single message may fill the machine's memory. Anything
# smaller reaches the collector, which judges it and writes down why it was refused.
MAX_PACKET_BYTES = 16 * 1024 * 1024

_FALLBACK_ATTEMPTS = 3
_LOG = logging.getLogger(__name__)

BrokerKind = Literal["mosquitto", "amqtt"]
BrokerChoice = Literal["auto", "mosquitto", "amqtt"]


class BrokerError(RuntimeError):
    """The broker cannot run; the message says why, and what to do about it."""


class Broker(Protocol):
    """A broker on this machine's loopback, started and stopped by us."""

    @property
    def host(self) -> str:
        """The address it listens on."""
        ...

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        ...

    @property
    def kind(self) -> BrokerKind:
        """Which software it is."""
        ...

    def start(self) -> None:
        """Start it, and return once it accepts connections. Raises BrokerError with a sentence."""
        ...

    def stop(self) -> None:
        """Stop it within seconds and leave nothing behind. Safe to call twice."""
        ...

    def is_alive(self) -> bool:
        """Whether it runs."""
        ...


def free_port(host: str = HOST) -> int:
    """Return a TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int, host: str = HOST) -> bool:
    """Tell whether a server could listen on `port` now. Raises BrokerError where we may not ask."""
    with socket.socket() as probe:
        # As servers do: a port that only holds closing connections of its former owner counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise BrokerError(
                said("ALDEA_MQTT_PORT: port %(port)s needs administrator rights; choose one above 1023", port=port)
            ) from None
        except OSError:
            return False
        return True


def start_broker(
    data_dir: Path,
    port: int | None = None,
    prefer: BrokerChoice = "auto",
    log: Callable[[str], None] = _LOG.info,
) -> Broker:
    """Start a broker on loopback and return it once it accepts connections.

    `port` is the one the user set; None means that nobody chose: 1883, or a free port when that is taken.
    `prefer="auto"` takes mosquitto where it is installed, else the built-in amqtt. `log` gets sentences for
    a person to read. Files go to `data_dir/broker`. Raises BrokerError with a sentence.
    """
    if port is not None:
        _check_chosen(port)
        return _start(data_dir, port, prefer, log)
    if port_is_free(DEFAULT_PORT):
        try:
            return _start(data_dir, DEFAULT_PORT, prefer, log)
        except BrokerError:
            # Somebody may have taken the port since we looked; any other reason is the user's to know.
            if port_is_free(DEFAULT_PORT):
                raise
    return _start_on_a_free_port(data_dir, prefer, log)


def _check_chosen(port: int) -> None:
    if not 0 < port < 65536:
        raise BrokerError(said("ALDEA_MQTT_PORT is %(port)s; a port is a number from 1 to 65535", port=port))
    if not port_is_free(port):
        raise BrokerError(
            said(
                "port %(port)s is already in use; stop the program that holds it, set ALDEA_MQTT_PORT to another port, "
                "or leave ALDEA_MQTT_PORT out to let Aldea choose a free one",
                port=port,
            )
        )


def _start_on_a_free_port(data_dir: Path, prefer: BrokerChoice, log: Callable[[str], None]) -> Broker:
    for attempt in range(1, _FALLBACK_ATTEMPTS + 1):
        port = free_port()
        try:
            broker = _start(data_dir, port, prefer, log)
        except BrokerError:
            if attempt == _FALLBACK_ATTEMPTS or port_is_free(port):
                raise
            continue
        log(
            said(
                "Port %(port)s is in use by another program, so MQTT listens on port %(other)s.",
                port=DEFAULT_PORT,
                other=broker.port,
            )
        )
        return broker
    raise BrokerError(said("no free port was found for MQTT"))  # pragma: no cover - the loop returns or raises


def _start(data_dir: Path, port: int, prefer: BrokerChoice, log: Callable[[str], None]) -> Broker:
    broker = _choose(data_dir / "broker", port, prefer, log)
    broker.start()
    return broker


def _choose(folder: Path, port: int, prefer: BrokerChoice, log: Callable[[str], None]) -> Broker:
    from aldea.deploy.broker.mosquitto import MosquittoBroker, find_mosquitto  # noqa: PLC0415 - avoids a cycle

    executable = find_mosquitto() if prefer != "amqtt" else None
    if executable is not None:
        return MosquittoBroker(executable, folder, port)
    if prefer == "mosquitto":
        raise BrokerError(
            said(
                "mosquitto is not installed: run `apt-get install mosquitto`, or choose the built-in broker with "
                "ALDEA_BROKER=amqtt"
            )
        )
    # Imported when needed: amqtt takes a third of a second to load, and mosquitto's users never need it.
    from aldea.deploy.broker.embedded import EmbeddedBroker  # noqa: PLC0415 - loads slowly, seldom needed

    if prefer == "auto":
        log(said("mosquitto is not installed, so Aldea uses its built-in MQTT broker, which is slower."))
    return EmbeddedBroker(port)
