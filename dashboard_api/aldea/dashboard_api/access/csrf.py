"""Forms are signed, so that no other site can send one in a visitor's name.

The signature is a digest of the session's token, which only that browser and nobody's script has; where
there is no session (signing in, the demo administrator), of a random seed that is kept in a cookie.
"""

from __future__ import annotations

import hashlib
import hmac

from fastapi import Request

from aldea.dashboard_api.access.cookies import SEED, SESSION
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.table import ROUTES
from aldea.dashboard_api.access.visitor import visitor_of
from aldea.dashboard_api.problems import Problem

FIELD = "csrf"
FORM_FIELDS = 6000
"""How many inputs a form may have: a list of 300 people has several for each of them."""

HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def signature(request: Request) -> str | None:
    """Return what a form of this browser must carry; None while it has neither session nor seed."""
    if visitor_of(request).session is not None:
        return _digest("session", request.cookies.get(SESSION, ""))
    seed = request.cookies.get(SEED)
    return None if not seed else _digest("seed", seed)


def signature_of_seed(seed: str) -> str:
    """Return the signature for a seed that the browser is only now given."""
    return _digest("seed", seed)


async def checked(request: Request) -> None:
    """Refuse a route that the gate does not know, and a change that is not signed. Raises Problem (403)."""
    if request.state.template != getattr(request.scope.get("route"), "path", None):
        raise Problem(403, "This address is not in the table of routes, so nobody may use it.")
    if request.method in SAFE or visitor_of(request).token is not None or _is_program(request) or _is_open(request):
        return
    wanted, given = signature(request), await _given(request)
    if wanted is None or not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Problem(
            403,
            f"The form is not signed by this browser's session: load the page again and send it once more "
            f"(programs use a token, or the header {HEADER}).",
        )


def _is_program(request: Request) -> bool:
    # A browser names the origin of every change it sends. Without accounts a program has nothing to sign with.
    headers = request.headers
    return visitor_of(request).demo and not any(name in headers for name in ("origin", "sec-fetch-site", "cookie"))


def _is_open(request: Request) -> bool:
    # What an address of the API gives to everybody, it does not give in a visitor's name.
    open_to_all = ROUTES.get((request.method, request.state.template)) is Permission.PUBLIC
    return open_to_all and request.url.path.startswith("/api/")


async def _given(request: Request) -> str:
    header = request.headers.get(HEADER)
    if header is not None:
        return header
    if not request.headers.get("content-type", "").startswith(_FORMS):
        return ""
    field = (await request.form(max_fields=FORM_FIELDS)).get(FIELD)
    return field if isinstance(field, str) else ""


def _digest(kind: str, secret: str) -> str:
    return hashlib.sha256(f"aldea csrf {kind} {secret}".encode()).hexdigest()[:43]
