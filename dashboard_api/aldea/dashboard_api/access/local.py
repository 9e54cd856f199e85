"""Whether a request comes from this machine, from a person at it."""

from __future__ import annotations

from fastapi import Request

from aldea.model.checks import is_loopback

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def is_local(request: Request) -> bool:
    """Whether the request was made on this machine to this machine's own name, not handed on by a proxy.

    The name matters: a foreign page may have its own name lead to 127.0.0.1.
    """
    client = "" if request.client is None else request.client.host
    if any(name in request.headers for name in FORWARDED) or request.scope.get("http_version") == "1.0":
        # A proxy that is not told otherwise names nobody and speaks HTTP/1.0; no browser does.
        return False
    return is_loopback(client) and is_loopback(request.url.hostname or "")


def address_of(request: Request) -> str:
    """Return the address that a request came from, as it is counted and shown."""
    return "" if request.client is None else request.client.host
