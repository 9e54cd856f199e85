"""The agent's settings: the `[agent]` table of `aldea.toml`, and the `ALDEA_*` environment over it.

`agent.example.toml`, beside this file, shows every setting with its default; a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.agents.device_settings import PowerSettings, SnmpSettings
from aldea.agents.page_settings import PageSettings
from aldea.agents.probe_settings import (
    ClientsSettings,
    DnsSettings,
    HostSettings,
    HttpSettings,
    InterfacesSettings,
    PingSettings,
)
from aldea.agents.throughput_settings import BudgetSettings, ThroughputSettings
from aldea.agents.upgrade_settings import UpgradeSettings
from aldea.model.checks import an_id
from aldea.model.said import Said
from aldea.model.settings import about, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """`[agent.broker]`: where readings are sent."""

    host: str = field(default="127.0.0.1", metadata=about("the broker's host name or address", env="ALDEA_MQTT_HOST"))
    port: int = field(
        default=1883, metadata=about("1883, or 8883 with TLS", env="ALDEA_MQTT_PORT", minimum=1, maximum=65535)
    )
    username: str | None = field(
        default=None, metadata=about("the broker's user for this device", env="ALDEA_MQTT_USERNAME")
    )
    password_file: Path | None = field(
        default=None, metadata=about("a file that holds the password alone, mode 0600", env="ALDEA_MQTT_PASSWORD_FILE")
    )
    tls: bool = field(
        default=False, metadata=about("encrypt, and verify the broker's certificate", env="ALDEA_MQTT_TLS")
    )
    ca_file: Path | None = field(
        default=None, metadata=about("the authority that signed the broker's certificate", env="ALDEA_MQTT_CA_FILE")
    )
    mqtt_version: str = field(
        default="auto",
        metadata=about(
            "what is spoken with the broker; auto: 5, else 3.1.1",
            env="ALDEA_MQTT_VERSION",
            choices=("auto", "5", "3.1.1"),
        ),
    )

    def __post_init__(self) -> None:
        if self.password_file is not None and self.username is None:
            raise ValueError(
                Said(
                    "has a password_file but no username; set both or neither",
                    "tiene password_file y no username; se ponen los dos o ninguno",
                )
            )
        if self.ca_file is not None and not self.tls:
            raise ValueError(
                Said("has a ca_file but tls is false; set tls = true", "tiene ca_file y tls es false; poner tls = true")
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """`[agent.outbox]`: how much waits on disk while the link is down."""

    max_bytes: int = field(default=60_000_000, metadata=about("size of the file", minimum=1_000_000))
    max_age_days: float = field(
        default=30.0, metadata=about("older rows are dropped, and said", minimum=0.01, maximum=3660)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesSettings:
    """`[agent.sees]`: what this device can measure of the village. Unset: what its probes can see."""

    wan_bytes: bool | None = field(
        default=None, metadata=about("bytes of the whole site; unset: when an SNMP target has them")
    )
    clients: bool | None = field(
        default=None, metadata=about("connected devices; unset: when a source of clients counts them")
    )
    power: bool | None = field(default=None, metadata=about("mains power; unset: when a source of power is configured"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """`[agent]`: everything the agent can be told."""

    site: str = field(metadata=about("the site's id, as it is registered", env="ALDEA_SITE", check=an_id))
    device: str = field(
        default="agent", metadata=about("this box's id within the site", env="ALDEA_DEVICE", check=an_id)
    )
    data: Path = field(default=Path("data"), metadata=about("folder of the outbox", env="ALDEA_DATA"))
    log_level: str = field(
        default="info",
        metadata=about("what is logged", env="ALDEA_LOG_LEVEL", choices=("debug", "info", "warning", "error")),
    )
    sample_seconds: float = field(
        default=60.0, metadata=about("time between cycles", env="ALDEA_SAMPLE_SECONDS", minimum=0.1, maximum=86_400)
    )
    send_seconds: float = field(
        default=300.0, metadata=about("time between sendings", env="ALDEA_SEND_SECONDS", minimum=0.1, maximum=86_400)
    )
    keepalive_seconds: int = field(
        default=600, metadata=about("MQTT keepalive", env="ALDEA_KEEPALIVE_SECONDS", minimum=5, maximum=65535)
    )
    trial_seconds: float = field(
        default=600.0,
        metadata=about(
            "settings from afar are given up when the server is not heard with them for so long",
            minimum=1,
            maximum=86_400,
        ),
    )
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    sees: SeesSettings = field(default_factory=SeesSettings)
    ping: PingSettings = field(default_factory=PingSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    interfaces: InterfacesSettings = field(default_factory=InterfacesSettings)
    host: HostSettings = field(default_factory=HostSettings)
    snmp: SnmpSettings = field(default_factory=SnmpSettings)
    clients: ClientsSettings = field(default_factory=ClientsSettings)
    power: PowerSettings = field(default_factory=PowerSettings)
    throughput: ThroughputSettings = field(default_factory=ThroughputSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    page: PageSettings = field(default_factory=PageSettings)
    upgrade: UpgradeSettings = field(default_factory=UpgradeSettings)

    def __post_init__(self) -> None:
        if self.send_seconds < self.sample_seconds:
            send, sample = f"{self.send_seconds:g}", f"{self.sample_seconds:g}"
            raise ValueError(
                Said(
                    f"has send_seconds {send} below sample_seconds {sample}; send at most as often as is sampled",
                    f"send_seconds {send} menor que sample_seconds {sample}; no se envía más seguido de lo que se mide",
                )
            )


@dataclass(frozen=True, slots=True)
class Sees:
    """What this device measures of the whole site, stated in the birth and recorded at enrolment."""

    wan_bytes: bool
    clients: bool
    power: bool


def what_it_sees(settings: AgentSettings) -> Sees:
    """Return what the device sees: as told in `[agent.sees]`, else what its SNMP targets and sources offer.

    A router that only says how many devices are connected now can't tell how many there were in a day.
    """
    targets = settings.snmp.targets if settings.snmp.enabled else ()
    told = settings.sees
    by_wan = any(target.has_wan for target in targets)
    by_clients = settings.clients.enabled and bool(settings.clients.sources)
    return Sees(
        wan_bytes=by_wan if told.wan_bytes is None else told.wan_bytes,
        clients=by_clients if told.clients is None else told.clients,
        power=settings.power.has_sources if told.power is None else told.power,
    )


def agent_settings(document: Mapping[str, object], environ: Mapping[str, str]) -> AgentSettings:
    """Return the settings in the `[agent]` table of a parsed `aldea.toml`, the environment over it.

    Raises SettingsError with every mistake. Other top-level tables belong to other parts.
    """
    return load_settings(AgentSettings, document.get("agent", {}), environ, "agent")
