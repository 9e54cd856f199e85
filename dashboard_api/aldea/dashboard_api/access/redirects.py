"""Where to go next: an address of ours, whatever the link said."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse

LIMIT = 500


def local_path(wanted: str | None) -> str:
    """Return `wanted` if it is a path on this server, else the first page."""
    if not wanted or len(wanted) > LIMIT or not wanted.startswith("/"):
        return "/"
    # Browsers read a backslash as a slash, drop control characters, and read two slashes as a host.
    if "\\" in wanted or any(ord(letter) <= 32 or ord(letter) == 127 for letter in wanted):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or wanted.startswith("//") or parts.path in {"/sign-in", "/sign-out"}:
        return "/"
    return wanted


def see_other(path: str) -> RedirectResponse:
    """Return the answer to a form that was taken: look there."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
