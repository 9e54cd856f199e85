"""A clean register on each of the two databases, and the app on stores of a test's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from dashboard_api.village import DAY, NOW_MS, Village
from records.site_rows import SITE
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator


CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def register(register_url: str) -> Iterator[Register]:
    """A clean register on SQLite, and on PostgreSQL."""
    found = open_register(register_url)
    yield found
    found.close()


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    """Stores with two real sites and a simulated one."""
    clean_file(tmp_path)
    found = Village(tmp_path)
    found.add_sites(2, simulated=False, prefix="escuela")
    found.add_sites(1, simulated=True, prefix="sim")
    yield found
    found.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def server(village: Village, clock: ManualClock) -> Iterator[HttpServer]:
    """The app, served as the demo is."""
    running = serve(create_app(village.register, village.series, clock, ApiSettings(demo_admin=True)), port=0)
    yield running
    running.stop()


@pytest.fixture
def site(register: Register) -> Register:
    """A register with a real site, commissioned 300 days ago, and its box."""
    began = NOW_MS - 300 * DAY
    place, box = Site(SITE, "Escuela", "America/Merida", began), Device(SITE, "agent", "agent", began)
    with register.transaction() as unit:
        add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(box,))])
    return register
