"""An app in which nobody has an account yet, its first administrator, and sites of which each person sees a part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from fastapi import FastAPI
from httpx import Client

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.incidents import add_incident_event, put_incident
from aldea.storage.register.maintenance import Maintenance, add_maintenance
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from dashboard_api.access.parts import CHIAPAS, GROUP, JUAREZ, YUCATAN
from dashboard_api.accounts import GOOD, send
from dashboard_api.judged import incident, judge
from dashboard_api.village import DAY, HOUR, NOW_MS, Village, fill


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


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """Sites of three states in one common fault, and an incident of the platform; to be read only."""
    village = Village(tmp_path_factory.mktemp("mixed"))
    fill(village, simulated=10)
    judge(village)
    with village.register.transaction() as unit:
        evidence = {"neighbours": [CHIAPAS, JUAREZ]}
        summary = {"sentence": {"es": "Falla común", "en": "Common fault"}, "evidence": evidence}
        group = incident(
            7, id=GROUP, site=None, rule="group", simulated=True, summary={**summary, "sites": [CHIAPAS, JUAREZ]}
        )
        put_incident(unit, group)
        add_incident_event(unit, GROUP, NOW_MS - HOUR, "fired")
        platform = incident(
            8, id="p-1", site=None, rule="platform", cause="platform", summary={**summary, "sites": [YUCATAN]}
        )
        put_incident(unit, platform)
        for name in ("norte", "sur"):
            add_programme(unit, Programme(name, f"Programa {name}", date(2024, 1, 1), None, {}))
        assign_site(unit, "sur", YUCATAN, NOW_MS - 9 * DAY)
        for place in ({"programme": "norte"}, {"region": "Oaxaca"}, {"programme": "sur"}, {}):
            window = Maintenance(
                **place,  # type: ignore[arg-type]  # one of three names
                from_ms=NOW_MS + DAY,
                to_ms=NOW_MS + 2 * DAY,
                announced_ms=NOW_MS,
                reason=f"Obra en {next(iter(place.values()), 'todas partes')}",
            )
            add_maintenance(unit, window)
    yield village
    village.close()


@pytest.fixture
def mixed_app(mixed: Village) -> FastAPI:
    """Those sites, without anybody who is let in unasked."""
    return create_app(mixed.register, mixed.series, ManualClock(NOW_MS), ApiSettings())
