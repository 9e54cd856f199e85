"""A clean register on each of the two databases, and the app on stores of a test's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import text

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import RunningServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.tables import metadata
from dashboard_api.village import NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rigs.postgresql import PostgreSQL

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def migrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with migrated stores to copy."""
    folder = tmp_path_factory.mktemp("records")
    Village(folder).close()
    return folder


@pytest.fixture(scope="session")
def migrated_database(postgresql: PostgreSQL) -> str:
    """The URL of a migrated PostgreSQL register, emptied before each test."""
    url = postgresql.create_database("records_suite")
    register = open_register(url)
    register.migrate()
    register.close()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    """A clean register on SQLite, and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_folder") / "register.db", tmp_path / "register.db")
        found = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    else:
        found = open_register(request.getfixturevalue("migrated_database"))
        with found.transaction() as unit:
            names = ", ".join(metadata.tables)
            unit.connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    yield found
    found.close()


@pytest.fixture
def village(tmp_path: Path, migrated_folder: Path) -> Iterator[Village]:
    """Stores with two real sites and a simulated one."""
    shutil.copy(migrated_folder / "register.db", tmp_path / "register.db")
    found = Village(tmp_path)
    found.add_sites(2, simulated=False, prefix="escuela")
    found.add_sites(1, simulated=True, prefix="sim")
    yield found
    found.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def server(village: Village, clock: ManualClock) -> Iterator[RunningServer]:
    """The app, served as the demo is."""
    running = serve(create_app(village.register, village.series, clock, ApiSettings(demo_admin=True)), port=0)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"these tests need {CHROMIUM}: install the package chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
