"""The broker's credentials. The register is their source: a broker's password file can be made from it again."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from aldea.storage.register.encoding import plain
from aldea.storage.register.register import Unit
from aldea.storage.register.settings import get_setting, set_setting
from aldea.storage.register.tables import broker_credential

VERSION = "broker_credentials_version"
PASSWORD_BYTES = 24
SALT_BYTES = 12
ITERATIONS = 101


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as it is kept. `site` and `device` None: one of the server's own parts."""

    username: str
    password_hash: str
    created_ms: int
    site: str | None = None
    device: str | None = None
    hardware: Mapping[str, Any] | None = None
    revoked_ms: int | None = None


def device_username(site: str, device: str) -> str:
    """Return a device's name at the broker: its two levels of the topic, so that a pattern can tie it to them."""
    return f"{site}/{device}"


def make_credential(
    unit: Unit,
    username: str,
    at_ms: int,
    *,
    site: str | None = None,
    device: str | None = None,
    hardware: Mapping[str, Any] | None = None,
    password: str | None = None,
) -> str:
    """Make (or replace) the credential of `username`; return its password, of which only a hash is kept.

    `password` None: a new one of 192 random bits.
    """
    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)
    _end(unit, username, at_ms)
    unit.connection.execute(
        insert(broker_credential).values(
            username=username,
            site=site,
            device=device,
            password_hash=hash_password(chosen),
            hardware=plain(dict(hardware or {})),
            created_ms=at_ms,
        )
    )
    _count_change(unit)
    return chosen


def revoke_credential(unit: Unit, username: str, at_ms: int) -> bool:
    """End the credential of `username`; say whether it had one."""
    ended = _end(unit, username, at_ms)
    if ended:
        _count_change(unit)
    return ended


def valid_credentials(unit: Unit) -> tuple[Credential, ...]:
    """Return every credential that holds, by name."""
    wanted = select(broker_credential).where(broker_credential.c.revoked_ms.is_(None))
    return _read(unit, wanted.order_by(broker_credential.c.username))


def credentials_of(unit: Unit, site: str) -> tuple[Credential, ...]:
    """Return all credentials that devices of `site` ever had, newest first."""
    wanted = select(broker_credential).where(broker_credential.c.site == site)
    return _read(unit, wanted.order_by(broker_credential.c.id.desc()))


def credentials_version(unit: Unit) -> int:
    """Return a number that grows with every change of a credential."""
    return int(get_setting(unit, VERSION) or 0)


def hash_password(password: str) -> str:
    """Return the hash that mosquitto (2.0 and later) reads: PBKDF2 with SHA-512.

    Few rounds are enough: the passwords are random, not chosen by a person, and a small server checks one at
    each connect.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def matches(password: str, password_hash: str) -> bool:
    """Whether `password` is the one that was hashed."""
    _, kind, rounds, salt, made = password_hash.split("$")
    if kind != "7":
        return False
    again = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(rounds))
    return secrets.compare_digest(base64.b64decode(made), again)


def _end(unit: Unit, username: str, at_ms: int) -> bool:
    mine = (broker_credential.c.username == username, broker_credential.c.revoked_ms.is_(None))
    return unit.connection.execute(update(broker_credential).where(*mine).values(revoked_ms=at_ms)).rowcount > 0


def _count_change(unit: Unit) -> None:
    set_setting(unit, VERSION, credentials_version(unit) + 1)


def _read(unit: Unit, wanted: Any) -> tuple[Credential, ...]:
    names = ("username", "password_hash", "created_ms", "site", "device", "hardware", "revoked_ms")
    rows = unit.connection.execute(wanted)
    return tuple(Credential(**{name: row._mapping[name] for name in names}) for row in rows)
