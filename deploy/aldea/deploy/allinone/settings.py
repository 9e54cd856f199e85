"""The settings of `aldea up`: the `[up]` table of aldea.toml, and `ALDEA_*` over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from aldea.alert_rules.loading import RulesError
from aldea.alert_rules.settings import read_settings as alert_settings
from aldea.alert_rules.shipped import rules_of
from aldea.collector.settings import read_settings as collector_settings
from aldea.dashboard_api.certificate import Certificate
from aldea.deploy.broker.secured import FIELD_PORT, FieldWish
from aldea.deploy.words import said, sentence_of
from aldea.model.checks import is_loopback
from aldea.model.settings import SettingsError, about, load_settings
from aldea.storage.settings_file import settings_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aldea.alert_rules.ruleset import RuleSet
    from aldea.alert_rules.settings import AlertSettings
    from aldea.collector.foreign.settings import ForeignSource
    from aldea.deploy.broker.base import BrokerChoice


T = TypeVar("T")


def _an_address(text: str) -> str | None:
    try:
        if text != "localhost":
            ip_address(text)
    except ValueError:
        return said("an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpSettings:
    """`[up]`. Ports that are None are chosen: 8000 and 1883, or free ones where these are taken."""

    data: Path = field(default=Path("data"), metadata=about("where everything is kept", env="ALDEA_DATA"))
    http_host: str = field(
        default="127.0.0.1",
        metadata=about(
            "the address of the pages; another than 127.0.0.1 once there is an administrator",
            env="ALDEA_HTTP_HOST",
            check=_an_address,
        ),
    )
    http_port: int | None = field(
        default=None,
        metadata=about(
            "the port of the pages; unset: 8000, or a free one", env="ALDEA_HTTP_PORT", minimum=1, maximum=65535
        ),
    )
    http_certificate: Path | None = field(
        default=None,
        metadata=about("serve the pages by HTTPS: the certificate with its chain", env="ALDEA_HTTP_CERTIFICATE"),
    )
    http_key: Path | None = field(default=None, metadata=about("the key of http_certificate", env="ALDEA_HTTP_KEY"))
    mqtt_host: str = field(
        default="127.0.0.1",
        metadata=about(
            "the broker's address; any but loopback: TLS and a password for every device",
            env="ALDEA_MQTT_LISTEN",
            check=_an_address,
        ),
    )
    mqtt_port: int | None = field(
        default=None,
        metadata=about(
            "the broker's port; unset: 1883 or a free one on loopback, else 8883",
            env="ALDEA_MQTT_PORT",
            minimum=1,
            maximum=65535,
        ),
    )
    mqtt_name: str | None = field(
        default=None,
        metadata=about("the host name or address by which agents reach the broker", env="ALDEA_MQTT_NAME"),
    )
    mqtt_certificate: Path | None = field(
        default=None,
        metadata=about("the broker's own certificate, with its chain; unset: Aldea makes one"),
    )
    mqtt_key: Path | None = field(default=None, metadata=about("the key of mqtt_certificate"))
    broker: str = field(
        default="auto",
        metadata=about(
            "mosquitto where it is installed, else the built-in amqtt",
            env="ALDEA_BROKER",
            choices=("auto", "mosquitto", "amqtt"),
        ),
    )
    demo: bool = field(default=True, metadata=about("a simulated fleet beside this machine", env="ALDEA_DEMO"))
    send_seconds: int = field(
        default=20,
        metadata=about("how often this machine's own agent measures and sends", minimum=5, maximum=3600),
    )
    keep_days: int = field(
        default=90, metadata=about("days that single measurements are kept", minimum=7, maximum=3660)
    )
    backup_keep: int = field(
        default=3, metadata=about("how many nightly backups are kept in `backups/`; 0: none", minimum=0, maximum=366)
    )

    def __post_init__(self) -> None:
        if (self.http_certificate is None) != (self.http_key is None):
            raise ValueError(said("has one of http_certificate and http_key; set both or neither"))
        if (self.mqtt_certificate is None) != (self.mqtt_key is None):
            raise ValueError(said("has one of mqtt_certificate and mqtt_key; set both or neither"))
        if not self.mqtt_is_local and self.broker == "amqtt":
            raise ValueError(
                said(
                    'has mqtt_host "%(host)s" and broker "amqtt", which has no encryption; use mosquitto, or leave '
                    "mqtt_host out",
                    host=self.mqtt_host,
                )
            )

    @property
    def certificate(self) -> Certificate | None:
        """The pages' certificate; None: plain HTTP."""
        if self.http_certificate is None or self.http_key is None:
            return None
        return Certificate(self.http_certificate, self.http_key)

    @property
    def mqtt_is_local(self) -> bool:
        """Whether the broker serves this machine alone."""
        return is_loopback(self.mqtt_host)

    @property
    def field_wish(self) -> FieldWish:
        """How agents reach a broker that is not for this machine alone."""
        port = FIELD_PORT if self.mqtt_port is None else self.mqtt_port
        return FieldWish(self.mqtt_host, port, self.mqtt_name, self.mqtt_certificate, self.mqtt_key)

    @property
    def broker_choice(self) -> BrokerChoice:
        """The broker as its starter wants it named."""
        return cast("BrokerChoice", self.broker)


def read_settings(path: Path | None, environ: Mapping[str, str]) -> UpSettings:
    """Read `path` (None: `aldea.toml` here, if there is one). Raises SettingsError with every mistake."""
    return load_settings(UpSettings, settings_file(path).get("up", {}), environ, "up")


@dataclass(frozen=True, slots=True)
class Everything:
    """All that one `aldea.toml` says to `aldea up`."""

    up: UpSettings
    foreign: tuple[ForeignSource, ...]
    alerts: AlertSettings
    rules: RuleSet


def read_all(path: Path | None, environ: Mapping[str, str]) -> Everything:
    """Return `[up]`, `[[collector.foreign]]`, `[alerts]` and its rules. Raises SettingsError with every mistake."""
    errors: list[str] = []

    def tried(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except SettingsError as error:
            errors.extend(sentence for sentence in error.errors if sentence not in errors)
        except RulesError as error:
            errors.append(sentence_of(error))
        return None

    settings = tried(lambda: read_settings(path, environ))
    collector = tried(lambda: collector_settings(path, environ))
    alerts = tried(lambda: alert_settings(path, environ))
    rules = None if alerts is None else tried(lambda: rules_of(alerts.rules))
    if settings is None or collector is None or alerts is None or rules is None:
        raise SettingsError(errors)
    return Everything(settings, collector.foreign, alerts, rules)
