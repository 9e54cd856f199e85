"""People with roles, and clients that are signed in as them: no password is hashed but where it is what is tested."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from fastapi import FastAPI
from httpx import Client, Response

from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.server import serve
from aldea.storage.register.people import Grant, add_person, find_person, give_role
from aldea.storage.register.register import Register
from aldea.storage.register.sessions import start_session
from aldea.storage.register.tokens import make_token

SignIn = Callable[..., Client]
GOOD = "correct horse battery"
"""A password that is good enough."""


class Visits:
    """Serves apps and keeps their clients until the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._addresses: dict[int, str] = {}

    def client(self, app: FastAPI, role: str, programme: str = "", region: str = "", **options: Any) -> Client:
        """Return a client that is signed in as somebody with this role ('' : without any)."""
        context: Context = app.state.context
        person = "-".join(part for part in (role.replace("_", "-") or "nobody", programme, region.lower()[:4]) if part)
        token = session_of(context.register, person, role, context.clock.wall_ms(), programme, region)
        return self._stack.enter_context(
            Client(base_url=self.address(app), cookies={SESSION: token}, timeout=60, **options)
        )

    def address(self, app: FastAPI) -> str:
        """Return where an app is served."""
        if id(app) not in self._addresses:
            server = serve(app, port=0)
            self._stack.callback(server.stop)
            self._addresses[id(app)] = server.url
        return self._addresses[id(app)]

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()


def session_of(register: Register, person: str, role: str, at_ms: int, programme: str = "", region: str = "") -> str:
    """Return a session's token of somebody with this role, who is added where there is nobody of that name."""
    with register.transaction() as unit:
        if find_person(unit, person) is None:
            add_person(unit, person, person.title(), at_ms)
            if role:
                give_role(unit, Grant(person, role, programme, region, at_ms, None))
        return start_session(unit, person, at_ms, "127.0.0.1", "test")


def token_of(register: Register, person: str, permissions: list[str], at_ms: int, **options: Any) -> str:
    """Return an API token of somebody."""
    with register.transaction() as unit:
        return make_token(unit, person, "test", permissions, at_ms, **options)[0]


def csrf_of(page: Response) -> str:
    """Return the signature that a page's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None, page.text[:2000]
    return found[1]


def send(client: Client, path: str, *, on: str = "", **fields: str | list[str]) -> Response:
    """Fill in the form of a page and send it, as a browser does."""
    page = client.get(on or path)
    return client.post(path, data={"csrf": csrf_of(page), **fields})
