"""The app on real stores, asked directly, over a socket, and by a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from httpx import Client

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from dashboard_api.accounts import SignIn, Visits
from dashboard_api.forms import forms_of
from dashboard_api.judged import judge
from dashboard_api.village import NOW_MS, Village, fill

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """Stores with one real and twelve simulated sites; to be read only."""
    village = Village(tmp_path_factory.mktemp("filled"))
    fill(village)
    yield village
    village.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Village]:
    """Stores with nothing in them, for tests that write."""
    village = Village(tmp_path)
    yield village
    village.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture(scope="session")
def api(filled: Village) -> Iterator[Client]:
    """The filled stores, at the moment at which they were filled."""
    app = create_app(filled.register, filled.series, ManualClock(NOW_MS), ApiSettings(demo_admin=True))
    yield from _client(app)


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """Stores with settled truth, incidents and maintenance; to be read only."""
    village = Village(tmp_path_factory.mktemp("judged"))
    fill(village, simulated=10)
    judge(village)
    yield village
    village.close()


@pytest.fixture(scope="session")
def known(judged: Village) -> Iterator[Client]:
    """The judged stores, asked by the demo administrator."""
    yield from _client(create_app(judged.register, judged.series, ManualClock(NOW_MS), ApiSettings(demo_admin=True)))


@pytest.fixture
def own(filled: Village, clock: ManualClock) -> Iterator[Client]:
    """The filled stores behind an app of the test's own, whose clock it may move."""
    app = create_app(filled.register, filled.series, clock, ApiSettings(demo_admin=True))
    yield from _client(app)


@pytest.fixture
def fresh(empty: Village, clock: ManualClock) -> Iterator[Client]:
    app = create_app(empty.register, empty.series, clock, ApiSettings(demo_admin=True))
    yield from _client(app)


@pytest.fixture(scope="session")
def served(filled: Village) -> Iterator[HttpServer]:
    """The filled stores behind a real server, as the demo shows them."""
    app = create_app(filled.register, filled.series, ManualClock(NOW_MS), ApiSettings(demo_admin=True))
    server = serve(app, port=0)
    yield server
    server.stop()


@pytest.fixture
def pages(empty: Village, clock: ManualClock) -> Iterator[Client]:
    """Empty stores, for the demo administrator who fills in forms."""
    with forms_of(empty, clock) as client:
        yield client


def _client(app: FastAPI) -> Iterator[Client]:
    server = serve(app, port=0)
    with Client(base_url=server.url, timeout=60) as client:
        yield client
    server.stop()


@pytest.fixture
def signed_in() -> Iterator[SignIn]:
    """`signed_in(app, role, programme="", region="")`: a client of somebody who has this role."""
    visits = Visits()
    yield visits.client
    visits.close()
