"""A sentence for the next page: what a form has done, after the redirect."""

from __future__ import annotations

import base64
import binascii

from fastapi import Request, Response

COOKIE = "aldea_flash"
LIMIT = 400


def flash(response: Response, sentence: str) -> None:
    """Show `sentence` (already in the visitor's language) once, on top of the next page."""
    packed = base64.urlsafe_b64encode(sentence[:LIMIT].encode()).decode()
    response.set_cookie(COOKIE, packed, max_age=300, samesite="lax", httponly=True)


def flashed(request: Request) -> str:
    """Return the sentence that waits, or nothing. What can't be read was not ours."""
    packed = request.cookies.get(COOKIE, "")
    try:
        return base64.urlsafe_b64decode(packed.encode()).decode()[:LIMIT]
    except (ValueError, binascii.Error):
        return ""


def forget(response: Response) -> None:
    """Let the sentence be shown no more."""
    response.delete_cookie(COOKIE, samesite="lax", httponly=True)
