"""A mosquitto of our own that faces the field: TLS and a password for every device, made without being asked."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.deploy.broker.access import COLLECTOR, SIMULATOR, AccessFiles, AccessKeeper, own_password, write_access
from aldea.deploy.broker.base import BrokerError, free_port, port_is_free
from aldea.deploy.broker.certificates import CertificateFiles, own_certificates
from aldea.deploy.broker.mosquitto import Field, MosquittoBroker, find_mosquitto
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said
from aldea.storage.register.endpoint import BrokerEndpoint, set_broker_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.storage.register import Register

FIELD_PORT = 8883
ANY = ("0.0.0.0", "::")  # noqa: S104 - the words, not a listener


@dataclass(frozen=True, slots=True)
class FieldWish:
    """How agents shall reach the broker.

    `host`: the address to listen on. `name`: the host name or address that agents are given; None: `host`, or this
    machine's name. `certificate` and `key`: the operator's own, else an authority of our own signs one.
    """

    host: str
    port: int = FIELD_PORT
    name: str | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Passwords:
    """Files with the passwords of our own parts."""

    collector: Path
    simulator: Path


class SecuredBroker:
    """The broker with its access files kept equal to the register. Our own parts use its loopback listener."""

    def __init__(self, broker: MosquittoBroker, keeper: AccessKeeper, passwords: Passwords) -> None:
        self._broker = broker
        self._keeper = keeper
        self.passwords = passwords
        self.kind = broker.kind
        self.host, self.port = broker.host, broker.port

    def start(self) -> None:
        """Start it, and begin to follow the register. Raises BrokerError."""
        self._broker.start()
        self._keeper.start()

    def stop(self) -> None:
        """Stop both."""
        self._keeper.stop()
        self._broker.stop()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._broker.is_alive()


def start_secured(
    data: Path, wish: FieldWish, register: Register, clock: Clock, log: Callable[[str], None]
) -> SecuredBroker:
    """Start mosquitto for agents at `wish.host` and for our own parts on loopback; record how it is reached.

    Certificates, passwords and rules are made where they are missing, and are the same after a restart.
    Raises BrokerError with a sentence.
    """
    executable = find_mosquitto()
    if executable is None:
        raise BrokerError(
            said(
                "up.mqtt_host is %(host)s, and only mosquitto has the encryption that this needs: run `apt-get install "
                "mosquitto`, or leave mqtt_host out to serve this machine alone",
                host=wish.host,
            )
        )
    _refuse_taken(wish)
    folder = data / "broker"
    certificates = certificates_for(folder, wish, clock)
    files = AccessFiles(folder)
    passwords = prepare_access(register, files, folder, clock)
    with register.transaction() as unit:
        set_broker_endpoint(unit, endpoint_of(wish, certificates))
    field = Field(wish.host, wish.port, files, certificates)
    broker = MosquittoBroker(executable, folder, free_port(), field=field)
    secured = SecuredBroker(broker, AccessKeeper(register, files, broker.reload), passwords)
    secured.start()
    log(
        said(
            "Agents reach the broker at %(place)s, encrypted, each with its own password.",
            place=f"{public_name(wish)}:{wish.port}",
        )
    )
    return secured


def prepare_access(register: Register, files: AccessFiles, folder: Path, clock: Clock) -> Passwords:
    """Make the passwords of our own parts and the broker's files; return where the passwords are."""
    with register.transaction() as unit:
        passwords = Passwords(
            own_password(unit, folder / "collector.password", COLLECTOR, clock),
            own_password(unit, folder / "simulator.password", SIMULATOR, clock),
        )
        write_access(unit, files)
    return passwords


def certificates_for(folder: Path, wish: FieldWish, clock: Clock) -> CertificateFiles:
    """Return the operator's certificate, or one of our own. Raises BrokerError."""
    if wish.certificate is None or wish.key is None:
        return own_certificates(folder, names_of(wish), clock)
    for file in (wish.certificate, wish.key):
        try:
            file.read_bytes()
        except OSError as error:
            raise BrokerError(
                said("the broker's certificate file %(file)s cannot be read: %(why)s", file=file, why=reason_of(error))
            ) from error
    return CertificateFiles(None, wish.certificate, wish.key)


def endpoint_of(wish: FieldWish, certificates: CertificateFiles) -> BrokerEndpoint:
    """Return what enrolling devices are told."""
    pem = None if certificates.ca is None else certificates.ca.read_text(encoding="ascii")
    return BrokerEndpoint(public_name(wish), wish.port, tls=True, ca_pem=pem)


def public_name(wish: FieldWish) -> str:
    """Return the name that agents are given."""
    return wish.name or (wish.host if wish.host not in ANY else socket.getfqdn())


def names_of(wish: FieldWish) -> list[str]:
    """Return every name by which the broker may be addressed, the public one first."""
    names = [public_name(wish), wish.host, socket.gethostname(), "localhost", "127.0.0.1"]
    return [name for name in dict.fromkeys(names) if name not in ANY]


def _refuse_taken(wish: FieldWish) -> None:
    try:
        free = port_is_free(wish.port, wish.host)
    except OSError as error:  # an address that can't be resolved
        raise BrokerError(
            said("up.mqtt_host %(host)s is not an address of this machine: %(why)s", host=wish.host, why=error)
        ) from error
    if not free:
        raise BrokerError(
            said(
                "%(host)s port %(port)s can't be listened on: it is in use (set ALDEA_MQTT_PORT to another) or the "
                "address is not this machine's (up.mqtt_host; 0.0.0.0 means all of them)",
                host=wish.host,
                port=wish.port,
            )
        )
