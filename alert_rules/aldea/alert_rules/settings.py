"""The settings of alerts: the `[alerts]` table of `aldea.toml`, and the `ALDEA_*` environment over it.

`alerts.example.toml`, beside this file, shows every setting with its default; a test keeps the two equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aldea.model.checks import a_url, a_zone
from aldea.model.said import Said
from aldea.model.settings import about, load_settings
from aldea.storage.settings_file import a_readable_file, settings_file

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("es", "en")
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _a_web_address(text: str) -> str | None:
    parts = urlsplit(text)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return None
    return Said("an address with http:// or https://", "una dirección con http:// o https://")


def _quiet_hours(text: str) -> str | None:
    if not text or _QUIET.fullmatch(text):
        return None
    return Said("two times of day such as 22:00-06:30, or nothing", "dos horas del día como 22:00-06:30, o nada")


def _a_mail_address(text: str) -> str | None:
    if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        return None
    return Said("an address such as aldea@example.org", "una dirección como aldea@example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """`[alerts.mail]`: the server that e-mail leaves by. Without a host, people can't be reached by e-mail."""

    host: str | None = field(default=None, metadata=about("the outgoing mail server", env="ALDEA_MAIL_HOST"))
    port: int = field(
        default=587,
        metadata=about(
            "587 with starttls, 465 with tls, 25 with none", env="ALDEA_MAIL_PORT", minimum=1, maximum=65535
        ),
    )
    security: str = field(
        default="starttls",
        metadata=about(
            "how the connection is encrypted", env="ALDEA_MAIL_SECURITY", choices=("starttls", "tls", "none")
        ),
    )
    username: str | None = field(default=None, metadata=about("the mail server's user", env="ALDEA_MAIL_USERNAME"))
    password_file: Path | None = field(
        default=None,
        metadata=about(
            "a file that holds the password alone, mode 0600", env="ALDEA_MAIL_PASSWORD_FILE", check=a_readable_file
        ),
    )
    sender: str = field(
        default="aldea@localhost.localdomain",
        metadata=about("the address that e-mail comes from", env="ALDEA_MAIL_SENDER", check=_a_mail_address),
    )

    def __post_init__(self) -> None:
        if (self.username is None) != (self.password_file is None):
            raise ValueError(
                Said(
                    "has one of username and password_file; set both or neither",
                    "tiene uno de username y password_file; poner los dos o ninguno",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """`[alerts]`: judging, telling people, and the outside watchdog."""

    log_level: str = field(
        default="info",
        metadata=about("what is logged", env="ALDEA_LOG_LEVEL", choices=("debug", "info", "warning", "error")),
    )
    register_url: str | None = field(default=None, metadata=about("the register", env="ALDEA_REGISTER_URL"))
    data: Path = field(default=Path("data"), metadata=about("folder of the register", env="ALDEA_DATA"))
    rules: Path | None = field(
        default=None,
        metadata=about("a file of alert rules; unset: those that ship", env="ALDEA_RULES", check=a_readable_file),
    )
    public_url: str | None = field(
        default=None,
        metadata=about(
            "where people and devices reach the pages; unset: where they are served",
            env="ALDEA_PUBLIC_URL",
            check=a_url,
        ),
    )
    language: str = field(
        default="es",
        metadata=about("of people whose contact point names none", env="ALDEA_LANGUAGE", choices=LANGUAGES),
    )
    time_zone: str = field(
        default="America/Mexico_City",
        metadata=about("of times that belong to no single site", env="ALDEA_TIME_ZONE", check=a_zone),
    )
    quiet_hours: str = field(
        default="",
        metadata=about("offered with a new contact point: 22:00-06:30, or nothing", check=_quiet_hours),
    )
    expire_hours: float = field(
        default=12.0, metadata=about("a message that could not be sent by then is given up", minimum=0.1, maximum=168)
    )
    messages_per_hour: int = field(
        default=12, metadata=about("to one contact point; what is more is joined", minimum=1, maximum=600)
    )
    join_from: int = field(
        default=3, metadata=about("so many that wait for one person leave as one message", minimum=2, maximum=100)
    )
    escalate_minutes: int = field(
        default=0,
        metadata=about("a fault nobody took by then goes to the next people too; 0: never", minimum=0, maximum=1440),
    )
    send_timeout_seconds: float = field(
        default=15.0, metadata=about("wait for a provider's answer", minimum=0.1, maximum=120)
    )
    senders: int = field(default=4, metadata=about("messages on their way at once", minimum=1, maximum=32))
    keep_days: int = field(
        default=400, metadata=about("days that the log of what was sent is kept", minimum=1, maximum=3660)
    )
    telegram_token_file: Path | None = field(
        default=None,
        metadata=about("a file with the token of Aldea's Telegram bot", env="ALDEA_TELEGRAM_TOKEN_FILE"),
    )
    sms_gateway_file: Path | None = field(
        default=None,
        metadata=about("a file with the SMS gateway's Apprise URL, {phone} in it", env="ALDEA_SMS_GATEWAY_FILE"),
    )
    whatsapp_gateway_file: Path | None = field(
        default=None,
        metadata=about(
            "a file with the WhatsApp gateway's Apprise URL, {phone} in it", env="ALDEA_WHATSAPP_GATEWAY_FILE"
        ),
    )
    heartbeat_url: str | None = field(
        default=None,
        metadata=about("fetched while all is well, by a watchdog elsewhere", env="ALDEA_HEARTBEAT_URL"),
    )
    heartbeat_seconds: int = field(
        default=300, metadata=about("time between two heartbeats", minimum=10, maximum=86_400)
    )
    mail: MailSettings = field(default_factory=MailSettings)

    def __post_init__(self) -> None:
        if self.heartbeat_url is not None and _a_web_address(self.heartbeat_url):
            raise ValueError(
                Said(
                    "has a heartbeat_url that does not start with http:// or https://; give the whole address",
                    "tiene heartbeat_url que no empieza con http:// o https://; dar la dirección completa",
                )
            )

    @property
    def pages_url(self) -> str:
        """Where messages link to: unset, the pages of this machine."""
        return self.public_url or "http://127.0.0.1:8000"

    @property
    def register(self) -> str:
        """The register's URL."""
        return self.register_url or f"sqlite:///{self.data / 'register.db'}"


def read_settings(path: Path | None, environ: Mapping[str, str]) -> AlertSettings:
    """Read `path` (None: `aldea.toml` here, if there is one). Raises SettingsError with every mistake."""
    return load_settings(AlertSettings, settings_file(path).get("alerts", {}), environ, "alerts")
