"""The all-in-one's broker, and how its own parts sign in there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.collector.mqtt import BrokerAddress
from aldea.deploy.allinone.seeding import THIS_DEVICE, THIS_SITE
from aldea.deploy.broker.access import COLLECTOR, SIMULATOR, own_password
from aldea.deploy.broker.base import start_broker
from aldea.deploy.broker.secured import start_secured
from aldea.storage.register.credentials import device_username
from aldea.storage.register.endpoint import BrokerEndpoint, set_broker_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aldea.deploy.allinone.settings import UpSettings
    from aldea.deploy.broker.base import Broker
    from aldea.model.clock import Clock
    from aldea.storage.register import Register


@dataclass(frozen=True, slots=True)
class OwnBroker:
    """A running broker. `agent` and `simulator` are variables that our children need there."""

    broker: Broker
    collector: BrokerAddress
    agent: Mapping[str, str] = field(default_factory=dict)
    simulator: Mapping[str, str] = field(default_factory=dict)
    simulator_name: str | None = None


def start_own_broker(
    settings: UpSettings, data: Path, register: Register, clock: Clock, say: Callable[[str], None]
) -> OwnBroker:
    """Start the broker that the settings ask for; this machine's site is registered. Raises BrokerError."""
    if settings.mqtt_is_local:
        broker = start_broker(data, settings.mqtt_port, prefer=settings.broker_choice, log=say)
        with register.transaction() as unit:
            set_broker_endpoint(unit, BrokerEndpoint(broker.host, broker.port, tls=False))
        # Where version 5 is unknown nobody need find that out by waiting.
        agent = {"ALDEA_MQTT_VERSION": "3.1.1"} if broker.kind == "amqtt" else {}
        return OwnBroker(broker, BrokerAddress(broker.host, broker.port), agent=agent)
    username = device_username(THIS_SITE, THIS_DEVICE)
    with register.transaction() as unit:
        file = data / "broker" / "agent.password"
        own = own_password(unit, file, username, clock, site=THIS_SITE, device_id=THIS_DEVICE)
    secured = start_secured(data, settings.field_wish, register, clock, say)
    return OwnBroker(
        secured,
        BrokerAddress(secured.host, secured.port, COLLECTOR, secured.passwords.collector),
        agent={"ALDEA_MQTT_USERNAME": username, "ALDEA_MQTT_PASSWORD_FILE": str(own)},
        simulator={"ALDEA_SIMULATOR_PASSWORD": secured.passwords.simulator.read_text().strip()},
        simulator_name=SIMULATOR,
    )
