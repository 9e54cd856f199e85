"""Where this instance can be reached: what a device is told when it enrols. Kept in the register's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from aldea.storage.register.register import Unit
from aldea.storage.register.settings import get_setting, set_setting

BROKER = "broker_endpoint"
SERVER = "server_url"


@dataclass(frozen=True, slots=True)
class BrokerEndpoint:
    """How agents reach the broker. `ca_pem`: the authority of its certificate, None where systems know it."""

    host: str
    port: int
    tls: bool
    ca_pem: str | None = None


def set_broker_endpoint(unit: Unit, endpoint: BrokerEndpoint) -> None:
    """Record how agents reach the broker."""
    if broker_endpoint(unit) != endpoint:
        set_setting(unit, BROKER, asdict(endpoint))


def broker_endpoint(unit: Unit) -> BrokerEndpoint | None:
    """Return how agents reach the broker, None where nobody has said it."""
    found = get_setting(unit, BROKER)
    return BrokerEndpoint(**found) if isinstance(found, dict) else None


def set_server_url(unit: Unit, url: str) -> None:
    """Record the address of the pages, as people and devices use it."""
    if server_url(unit) != url:
        set_setting(unit, SERVER, url)


def server_url(unit: Unit) -> str | None:
    """Return the address of the pages, None where nobody has said it."""
    found = get_setting(unit, SERVER)
    return found if isinstance(found, str) else None
