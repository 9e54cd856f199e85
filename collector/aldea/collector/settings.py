"""The collector's settings: the `[collector]` table of `aldea.toml`, and the `ALDEA_*` environment over it.

`collector.example.toml`, beside this file, shows every setting with its default; a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.collector.foreign.settings import ForeignSource, overlap_problem
from aldea.collector.mqtt import BrokerAddress
from aldea.model.checks import an_id
from aldea.model.said import Said
from aldea.model.settings import about, load_settings
from aldea.storage.settings_file import a_readable_file, settings_file

if TYPE_CHECKING:
    from collections.abc import Mapping


def _a_share_group(text: str) -> str | None:
    if text and not set(text) & set("/+#"):
        return None
    return Said("a name without /, + and #", "un nombre sin /, + ni #")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """`[collector.broker]`: where the agents' messages come from."""

    host: str = field(default="127.0.0.1", metadata=about("the broker's host name or address", env="ALDEA_MQTT_HOST"))
    port: int = field(
        default=1883, metadata=about("1883, or 8883 with TLS", env="ALDEA_MQTT_PORT", minimum=1, maximum=65535)
    )
    username: str | None = field(
        default=None, metadata=about("the broker's user for the collector", env="ALDEA_MQTT_USERNAME")
    )
    password_file: Path | None = field(
        default=None,
        metadata=about(
            "a file that holds the password alone, mode 0600", env="ALDEA_MQTT_PASSWORD_FILE", check=a_readable_file
        ),
    )
    ca_file: Path | None = field(
        default=None,
        metadata=about(
            "the authority that signed the broker's certificate; set: TLS",
            env="ALDEA_MQTT_CA_FILE",
            check=a_readable_file,
        ),
    )
    share_group: str | None = field(
        default=None,
        metadata=about("a group of collectors that share the work", env="ALDEA_SHARE_GROUP", check=_a_share_group),
    )
    keepalive_seconds: int = field(
        default=60, metadata=about("MQTT keepalive: how soon a dead link is noticed", minimum=1, maximum=3600)
    )

    def __post_init__(self) -> None:
        if self.password_file is not None and self.username is None:
            raise ValueError(
                Said(
                    "has a password_file but no username; set both or neither",
                    "tiene password_file y no username; poner los dos o ninguno",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSettings:
    """`[collector]`: everything the collector can be told. URLs that are unset mean files in `data`."""

    name: str = field(
        default="main",
        metadata=about("tells collectors that share a register apart", env="ALDEA_COLLECTOR", check=an_id),
    )
    data: Path = field(default=Path("data"), metadata=about("folder of the journal", env="ALDEA_DATA"))
    keep_days: int = field(
        default=35, metadata=about("days that the journal is kept; more than any outbox", minimum=1, maximum=3660)
    )
    log_level: str = field(
        default="info",
        metadata=about("what is logged", env="ALDEA_LOG_LEVEL", choices=("debug", "info", "warning", "error")),
    )
    series_url: str | None = field(default=None, metadata=about("the series store", env="ALDEA_SERIES_URL"))
    register_url: str | None = field(default=None, metadata=about("the register", env="ALDEA_REGISTER_URL"))
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    foreign: tuple[ForeignSource, ...] = field(default=(), metadata=about("topics of devices that are not agents"))

    def __post_init__(self) -> None:
        problem = overlap_problem(self.foreign)
        if problem is not None:
            raise ValueError(problem)

    @property
    def address(self) -> BrokerAddress:
        """The broker as the link wants it."""
        given = self.broker
        return BrokerAddress(
            given.host, given.port, given.username, given.password_file, given.ca_file, given.keepalive_seconds
        )

    @property
    def series(self) -> str:
        """The series store's URL."""
        return self.series_url or f"sqlite:///{self.data / 'series.db'}"

    @property
    def register(self) -> str:
        """The register's URL."""
        return self.register_url or f"sqlite:///{self.data / 'register.db'}"


def read_settings(path: Path | None, environ: Mapping[str, str]) -> CollectorSettings:
    """Read `path` (None: `aldea.toml` here, if there is one). Raises SettingsError with every mistake."""
    return load_settings(CollectorSettings, settings_file(path).get("collector", {}), environ, "collector")
