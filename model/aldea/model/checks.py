"""Checks that settings of several parts share: each returns what is expected instead, None where the value is fine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aldea.model.said import Said
from aldea.model.sample import is_id

AN_ID = Said("1 to 39 of a-z, 0-9 and -, not starting with -", "de 1 a 39 de a-z, 0-9 y -, sin empezar con -")


def an_id(text: str) -> str | None:
    """Check the id of a site, a device or a collector."""
    return None if is_id(text) else AN_ID


def a_zone(text: str) -> str | None:
    """Check the IANA name of a time zone."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # OSError: a folder of zones, such as America
        return Said("an IANA time zone such as America/Merida", "una zona horaria IANA, como America/Merida")
    return None


def a_url(text: str) -> str | None:
    """Check a web address that carries no secret."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme in {"http", "https"} and parts.hostname and not parts.username:
        return None
    return Said(
        "http:// or https://, a host, and no user name in it",
        "http:// o https://, un servidor, y ningún nombre de usuario",
    )


def is_loopback(host: str) -> bool:
    """Say whether a host, by name or number (in brackets or not), is this machine alone."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
