"""The gate: every request passes here before anything of it is read, and is let through or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from aldea.dashboard_api import problems
from aldea.dashboard_api.access.limits import announced_too_large, bounded
from aldea.dashboard_api.access.matching import Entry, match
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.table import BARE
from aldea.dashboard_api.access.visitor import NOBODY, Visitor
from aldea.storage.register import RegisterUnavailableError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Identify = Callable[[Request], Visitor]
"""Finds out who asks; called in a worker thread. Raises RegisterUnavailableError."""


class Gate:
    """Decides by the table of routes. What it does not know is answered by the router: there is nothing."""

    def __init__(self, app: ASGIApp, entries: Sequence[Entry], identify: Identify) -> None:
        self._app = app
        self._entries = tuple(entries)
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        entry = match(self._entries, scope["method"], scope["path"])
        request.state.template = None if entry is None else entry.path
        request.state.visitor = NOBODY
        refused = _impossible(request) or await self._refusal(request, entry)
        if refused is None:
            await self._app(scope, bounded(scope, receive), send)
        else:
            await refused(scope, receive, send)

    async def _refusal(self, request: Request, entry: Entry | None) -> Response | None:
        if entry is None and not problems.wants_page(request):
            return None
        if entry is not None and entry.path in BARE:
            return None
        try:
            visitor = await run_in_threadpool(self._identify, request)
        except RegisterUnavailableError:
            return problems.unavailable(request)
        request.state.visitor = visitor
        if entry is None or visitor.may(entry.permission):
            return None
        return _forbidden(request, entry.permission) if visitor.signed_in else _unknown(request)


def _impossible(request: Request) -> Response | None:
    """Return the answer to what nobody could mean, before anything is looked up for it."""
    large = announced_too_large(request.scope)
    if large is not None:
        return problems.answer(request, large.status_code, str(large.detail))
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        return problems.answer(request, 400, "The address has a character that is no text (%00): take it out.")
    return None


def _unknown(request: Request) -> Response:
    if _is_for_programs(request):
        sentence = "Sign in first: send an API token as `Authorization: Bearer aldea_…`, or use the pages."
        if "authorization" in request.headers:
            sentence = "The token is not known, has ended, or was revoked: make a new one on the page of your account."
        return problems.problem_response(401, sentence, headers={"WWW-Authenticate": "Bearer"})
    if request.method in {"GET", "HEAD"} and request.query_params.get("fragment") != "1":
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(address, safe='')}", HTTPStatus.SEE_OTHER)
    return problems.answer(request, 401, "Your session has ended: sign in again, then send the form once more.")


def _forbidden(request: Request, permission: Permission) -> Response:
    sentence = f"This needs the permission {permission.value!r}, which you have not been given: ask an administrator."
    if _is_for_programs(request):
        return problems.problem_response(403, sentence)
    page: Response = request.app.state.context.pages.forbidden(request, permission)
    return page


def _is_for_programs(request: Request) -> bool:
    return request.url.path.startswith("/api/") or request.url.path in problems.PROGRAMS
