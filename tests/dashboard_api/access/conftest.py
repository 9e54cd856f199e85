"""An app in which nobody has an account yet, and one whose first administrator is signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from httpx import Client

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from dashboard_api.accounts import GOOD, send
from dashboard_api.village import Village


@pytest.fixture
def app(empty: Village, clock: ManualClock) -> FastAPI:
    return create_app(empty.register, empty.series, clock, ApiSettings(demo_admin=True))


@pytest.fixture
def server(app: FastAPI) -> Iterator[HttpServer]:
    running = serve(app, port=0)
    yield running
    running.stop()


@pytest.fixture
def client(server: HttpServer) -> Iterator[Client]:
    with Client(base_url=server.url, timeout=60, headers={"Accept-Language": "en", "Accept": "text/html"}) as client:
        yield client


@pytest.fixture
def admin(client: Client) -> Client:
    """A client that has set up the first administrator, and is signed in as them."""
    answer = send(client, "/setup", label="Admin One", account="admin-one", password=GOOD, again=GOOD)
    assert answer.status_code == 303, answer.text
    return client
