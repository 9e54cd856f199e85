"""Settings of what asks other devices of the site: the tables `[agent.snmp]` and `[agent.power]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from aldea.agents.snmp_profiles import ROUTERS, UPSES, load_profile
from aldea.model.said import Said
from aldea.model.settings import about

CLIENTS_FROM = ("value", "rows", "sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpDevice:
    """Where a device is asked by SNMP, and with what right."""

    host: str = field(metadata=about("the device's name or address"))
    port: int = field(default=161, metadata=about("UDP port", minimum=1, maximum=65535))
    name: str | None = field(default=None, metadata=about("what it is called in the data; unset: the host"))
    version: str = field(default="2c", metadata=about("SNMP version", choices=("2c", "3")))
    community: str = field(default="public", metadata=about("version 2c: the community to read with"))
    user: str | None = field(default=None, metadata=about("version 3: the user"))
    auth_protocol: str = field(
        default="sha", metadata=about("version 3", choices=("none", "md5", "sha", "sha256", "sha512"))
    )
    auth_password_file: Path | None = field(default=None, metadata=about("version 3: a file with the password alone"))
    privacy_protocol: str = field(default="none", metadata=about("version 3 alone", choices=("none", "aes")))
    privacy_password_file: Path | None = field(
        default=None, metadata=about("version 3: a file with the password alone")
    )

    def __post_init__(self) -> None:
        if self.version == "3":
            self._check_user()

    def _check_user(self) -> None:
        if self.user is None:
            raise ValueError(Said("has version 3 but no user; set user", "es de la versión 3 y no tiene user; ponerlo"))
        if (self.auth_protocol != "none") != (self.auth_password_file is not None):
            raise ValueError(
                Said(
                    "needs auth_password_file with auth_protocol, and neither with 'none'",
                    "necesita auth_password_file con auth_protocol, y ninguno de los dos con 'none'",
                )
            )
        if (self.privacy_protocol != "none") != (self.privacy_password_file is not None):
            raise ValueError(
                Said(
                    "needs privacy_password_file with privacy_protocol, and neither with 'none'",
                    "necesita privacy_password_file con privacy_protocol, y ninguno de los dos con 'none'",
                )
            )
        if self.privacy_protocol != "none" and self.auth_protocol == "none":
            raise ValueError(
                Said(
                    "has a privacy_protocol without an auth_protocol; SNMP has no such level",
                    "tiene privacy_protocol sin auth_protocol; SNMP no tiene ese nivel",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpTarget(SnmpDevice):
    """`[[agent.snmp.targets]]`: one router and its WAN interface."""

    profile: str | None = field(
        default=None,
        metadata=about("what kind of device it is: fills interface and clients_oid", choices=ROUTERS),
    )
    interface: str | None = field(
        default=None, metadata=about("the WAN interface: its name (ifName, ifDescr or ifAlias) or its index")
    )
    interfaces: tuple[str, ...] = field(default=(), metadata=about("further interfaces, each a reading of its own"))
    clients_oid: str | None = field(default=None, metadata=about("object that counts the connected devices"))
    clients_from: str = field(
        default="value",
        metadata=about("the object's value, or of the rows below it their number or sum", choices=CLIENTS_FROM),
    )

    def __post_init__(self) -> None:
        # Not super(): a class with slots is made anew by the decorator.
        SnmpDevice.__post_init__(self)
        if self.clients_oid is not None and not _is_oid(self.clients_oid):
            raise ValueError(
                Said(
                    f"clients_oid is {self.clients_oid!r}; expects numbers and dots, as 1.3.6.1.4.1.9",
                    f"clients_oid es {self.clients_oid!r}; se esperan números y puntos, como 1.3.6.1.4.1.9",
                )
            )
        if "" in (self.interface, *self.interfaces):
            raise ValueError(
                Said(
                    "has an interface without a name; leave it out",
                    "tiene una interface sin nombre; no ponerla",
                )
            )
        if self.interface in self.interfaces:
            raise ValueError(
                Said(
                    f"has {self.interface!r} as interface and again in interfaces; name it once",
                    f"tiene {self.interface!r} como interface y otra vez en interfaces; nombrarla una vez",
                )
            )

    @property
    def has_wan(self) -> bool:
        """Whether the device's WAN interface is known: named here, or by its profile."""
        return self.interface is not None or (self.profile is not None and bool(load_profile(self.profile).wan))


def _is_oid(text: str) -> bool:
    return all(part.isascii() and part.isdigit() for part in text.strip(".").split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpSettings:
    """`[agent.snmp]`: what the site's router knows. Nothing is asked (or loaded) without a target."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=0.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    timeout_seconds: float = field(default=2.0, metadata=about("wait for an answer", minimum=0.05, maximum=20))
    retries: int = field(default=1, metadata=about("ask again so often", minimum=0, maximum=5))
    targets: tuple[SnmpTarget, ...] = field(default=(), metadata=about("the routers"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpUps(SnmpDevice):
    """`[[agent.power.snmp]]`: one UPS with a network card."""

    profile: str = field(default="ups", metadata=about("which objects it has", choices=UPSES))


@dataclass(frozen=True, slots=True, kw_only=True)
class NutUps:
    """`[[agent.power.nut]]`: one UPS that Network UPS Tools watches."""

    ups: str = field(metadata=about("its name in NUT, as upsc -l lists it"))
    host: str = field(default="localhost", metadata=about("where NUT's upsd runs"))
    port: int = field(default=3493, metadata=about("its TCP port", minimum=1, maximum=65535))
    name: str | None = field(default=None, metadata=about("what it is called in the data; unset: its name in NUT"))

    def __post_init__(self) -> None:
        if self.ups.startswith("-") or not self.ups or set(self.ups) & set("@: \t\n"):
            raise ValueError(
                Said(
                    f"has the ups {self.ups!r}; expects a name without @, : and blanks, as upsc -l lists it",
                    f"tiene el ups {self.ups!r}; se espera un nombre sin @, : ni espacios, como lo lista upsc -l",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSettings:
    """`[agent.power]`: whether the site has mains power. Nothing is asked without a source."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=0.0, metadata=about("time between rounds; 0: each cycle", minimum=0, maximum=86_400)
    )
    timeout_seconds: float = field(default=2.0, metadata=about("wait for an answer", minimum=0.05, maximum=20))
    retries: int = field(default=1, metadata=about("ask a UPS by SNMP again so often", minimum=0, maximum=5))
    machine: bool = field(
        default=False, metadata=about("this machine's own supplies and batteries (/sys/class/power_supply)")
    )
    snmp: tuple[SnmpUps, ...] = field(default=(), metadata=about("UPSes with a network card"))
    nut: tuple[NutUps, ...] = field(default=(), metadata=about("UPSes that NUT watches"))

    @property
    def has_sources(self) -> bool:
        """Whether there is anything to ask."""
        return self.enabled and bool(self.machine or self.snmp or self.nut)
