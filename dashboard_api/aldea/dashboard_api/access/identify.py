"""Finds out who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.dashboard_api.access.visitor import DEMO_ADMIN, NOBODY, Visitor

if TYPE_CHECKING:
    from fastapi import Request

    from aldea.dashboard_api.context import Context


class Identifier:
    """Knows a visitor by their session or token; without accounts, as the demo administrator."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(self, request: Request) -> Visitor:
        """Return who makes the request."""
        del request
        return DEMO_ADMIN if self._context.settings.demo_admin else NOBODY
