"""Incidents, maintenance and strips in a real browser: on a phone and on a desk, with and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.incidents import IncidentState, add_incident_event, put_incident
from dashboard_api.judged import REASON, incident, judge
from dashboard_api.test_pages import open_page
from dashboard_api.village import NOW_MS, Village, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

OPEN_ID = "escuela-01-20261122-1"
PAGES = (
    "/",
    "/sites/escuela-01",
    "/incidents",
    "/incidents?kind=simulated",
    f"/incidents/{OPEN_ID}",
    "/incidents/g-20261122-1",
    "/maintenance",
    "/admin",
)


@pytest.fixture(scope="module")
def looked(judged: Village) -> Iterator[HttpServer]:
    app = create_app(judged.register, judged.series, ManualClock(NOW_MS), ApiSettings(demo_admin=True))
    server = serve(app, port=0)
    yield server
    server.stop()


@pytest.fixture
def moving(empty: Village, clock: ManualClock) -> Iterator[HttpServer]:
    fill(empty, simulated=10)
    settings = ApiSettings(demo_admin=True, poll_seconds=0.1)
    server = serve(create_app(empty.register, empty.series, clock, settings), port=0)
    yield server
    server.stop()


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_the_screen(browser: Browser, looked: HttpServer, lang: str, width: int) -> None:
    page, faults = open_page(browser, looked.url, lang=lang, width=width)
    for path in PAGES:
        page.goto(looked.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == width, f"{path} scrolls sideways"
        small = page.evaluate(
            "[...document.querySelectorAll('main button,main select,main textarea,.menu summary')]"
            ".filter(e => e.offsetParent && e.offsetHeight < 44).map(e => e.outerHTML.slice(0, 80))"
        )
        assert small == [], f"{path}: too small to touch"
    assert faults == []
    page.context.close()


def test_a_phone_finds_its_way_without_scripts(browser: Browser, looked: HttpServer) -> None:
    page, _ = open_page(browser, looked.url, lang="en", width=360, scripts=False)
    assert not page.get_by_role("link", name="Administration").is_visible()
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Incidents").first.click()
    expect(page.get_by_role("heading", name="1 open incident")).to_be_visible()
    page.get_by_role("link", name="No connection").first.click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    page.context.close()


def test_an_incident_is_answered_without_scripts(browser: Browser, moving: HttpServer, empty: Village) -> None:
    judge(empty)
    page, _ = open_page(browser, f"{moving.url}/incidents/{OPEN_ID}", lang="en", width=360, scripts=False)
    page.get_by_label("Comment").fill("Cable cambiado")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The comment is in the timeline.")).to_be_visible()
    expect(page.locator(".timeline").get_by_text("Cable cambiado")).to_be_visible()
    page.context.close()


def test_an_incident_appears_and_ends_without_loading_the_page_again(
    browser: Browser, moving: HttpServer, empty: Village
) -> None:
    page, faults = open_page(browser, moving.url + "/incidents", lang="en")
    expect(page.get_by_role("heading", name="Nothing is wrong")).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.evaluate("window.sameDocument = true")
    with empty.register.transaction() as unit:
        put_incident(unit, incident(1))
        add_incident_event(unit, OPEN_ID, NOW_MS, "fired", {"sentence": REASON})
    expect(page.locator(f'[data-incident="{OPEN_ID}"]')).to_be_visible()
    expect(page.locator(".places [data-open-incidents]")).to_have_text("1")
    with empty.register.transaction() as unit:
        put_incident(unit, incident(1, state=IncidentState.RESOLVED, resolved_ms=NOW_MS))
        add_incident_event(unit, OPEN_ID, NOW_MS, "resolved")
    expect(page.get_by_role("heading", name="Nothing is wrong")).to_be_visible()
    expect(page.locator(".places [data-open-incidents]")).to_be_hidden()
    assert page.evaluate("window.sameDocument") is True
    assert faults == []
    page.context.close()


def test_a_strip_is_said_to_those_who_can_not_see_it(browser: Browser, looked: HttpServer) -> None:
    page, _ = open_page(browser, looked.url, lang="en", scripts=False)
    drawn = page.get_by_role("img", name="Last 24 hours: 19 h up, 1 h 20 min down")
    expect(drawn.first).to_be_visible()
    page.context.close()
