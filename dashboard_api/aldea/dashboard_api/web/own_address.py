"""Where these pages are reached: what a page tells people and devices to open elsewhere."""

from __future__ import annotations

from fastapi import Request

from aldea.dashboard_api.context import Context


def own_address(aldea: Context, request: Request) -> str:
    """Return the address that was set as public, else the one at which this page was asked for; no slash at its end."""
    return (aldea.settings.public_url or "").rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
