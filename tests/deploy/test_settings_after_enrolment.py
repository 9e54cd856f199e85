"""A device that enrols forgets what another enrolment told it, and is sent what its site is to run with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.agents.enrolling import Where, enrol
from aldea.agents.overlay.checking import agent_guide
from aldea.agents.overlay.keeping import FILE, Keeper
from aldea.agents.overlay.state import Overlay, State
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import SystemClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.commands import commands_of
from aldea.storage.register.devices import Device
from aldea.storage.register.endpoint import BrokerEndpoint, set_broker_endpoint
from aldea.storage.register.enrolment import issue_code
from aldea.storage.register.profiles import assign_profile
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series import open_series_store
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLOCK = SystemClock()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    made = open_register(clean_file(tmp_path))
    now = CLOCK.wall_ms() - 1000
    place = Site("isla", "Isla Arena", "America/Merida", now)
    agent = Device("isla", "agent", "agent", now)
    with made.transaction() as unit:
        add_sites(unit, [SiteEntry(place, now, SiteState.COMMISSIONED, devices=(agent,))])
        set_broker_endpoint(unit, BrokerEndpoint("broker.example.org", 8883, tls=True, ca_pem="PEM"))
        assign_profile(unit, ["isla"], "frugal")
    yield made
    made.close()


def test_settings_follow_an_enrolment(register: Register, tmp_path: Path) -> None:
    store = open_series_store(f"sqlite:///{tmp_path / 'series.db'}")
    server = serve(create_app(register, store, CLOCK, ApiSettings(), agent_guide()), port=0)
    folder = tmp_path / "agent"
    folder.mkdir()
    Keeper(folder).write(State(Overlay(7, {"page": {"site_name": "Another village"}})))
    try:
        for _ in range(2):
            with register.transaction() as unit:
                code = issue_code(unit, "isla", "agent", CLOCK.wall_ms(), "test", 24).text
            enrol(Where(server.url), code, folder)
            assert not (folder / FILE).exists()
            with register.transaction() as unit:
                newest = commands_of(unit, "isla", kinds=["settings"])[0]
            assert newest.payload["document"]["send_seconds"] == 900
            assert newest.payload["document"]["page"]["site_name"] == "Isla Arena"
    finally:
        server.stop()
        store.close()
