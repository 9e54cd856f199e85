"""The cookies of access: the session's, and the seed from which forms are signed where there is no session."""

from __future__ import annotations

import secrets

from fastapi import Request, Response

SESSION = "aldea_session"
SEED = "aldea_seed"


def set_session(request: Request, response: Response, token: str, seconds: int) -> None:
    """Hand a session's token to the browser: not to scripts, not to other sites."""
    response.set_cookie(SESSION, token, max_age=seconds, httponly=True, samesite="lax", secure=is_https(request))
    response.delete_cookie(SEED, httponly=True, samesite="lax")


def drop_session(response: Response) -> None:
    """Take the session's token, and what was signed before it, from the browser."""
    response.delete_cookie(SESSION, httponly=True, samesite="lax")
    response.delete_cookie(SEED, httponly=True, samesite="lax")


def set_seed(request: Request, response: Response, seed: str) -> None:
    """Keep the seed for the time that the browser is open."""
    response.set_cookie(SEED, seed, httponly=True, samesite="lax", secure=is_https(request))


def new_seed() -> str:
    """Return a new seed: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_https(request: Request) -> bool:
    """Whether the request came by TLS, here or at a proxy that says so."""
    return request.url.scheme == "https"
