"""The pages as a person meets them: in a real browser, on a phone and on a desk, in both languages."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from httpx import Client
from playwright.sync_api import Browser, Page, expect

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from dashboard_api.village import HOUR, NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_PAGE_BYTES = 50_000
pytestmark = pytest.mark.browser

FIRST_WORDS = {"es": ("Sitios", "Mediciones"), "en": ("Sites", "Measurements")}


def open_page(
    browser: Browser, address: str, *, lang: str = "es", width: int = 1280, scripts: bool = True
) -> tuple[Page, list[str]]:
    """Open a page and return it with everything that went wrong on it."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale=f"{lang}-MX", java_script_enabled=scripts
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    return page, faults


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_the_screen_and_speak_the_language(
    browser: Browser, served: HttpServer, lang: str, width: int
) -> None:
    for path, words in (("/", FIRST_WORDS[lang][0]), ("/sites/escuela-01?span=7d", FIRST_WORDS[lang][1])):
        page, faults = open_page(browser, served.url + path, lang=lang, width=width)
        assert page.locator("html").get_attribute("lang") == lang
        expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width, f"{path} scrolls sideways"
        assert faults == []
        page.context.close()


def test_a_language_that_is_chosen_stays(browser: Browser, served: HttpServer) -> None:
    page, _ = open_page(browser, served.url, lang="es")
    page.get_by_role("link", name="EN", exact=True).click()
    page.goto(served.url + "/sites/escuela-01")
    assert page.locator("html").get_attribute("lang") == "en"
    page.context.close()


def test_without_scripts_everything_is_there(browser: Browser, served: HttpServer) -> None:
    page, _ = open_page(browser, served.url, lang="en", scripts=False)
    page.get_by_label("State").select_option("down")
    page.get_by_role("button", name="Show").click()
    assert page.locator("tr[data-site]").count() == 2
    expect(page.get_by_text("never mixed with real sites")).to_be_visible()
    expect(page.get_by_text("Demo administrator.")).to_be_visible()
    page.get_by_role("link", name="Ciudad Juárez 4").click()
    expect(page.get_by_text("This village is made up")).to_be_visible()
    page.goto(served.url + "/sites/escuela-01")
    assert page.locator("figure svg.curves path").count() >= 8
    page.locator("#chart-rtt summary").click()
    expect(page.locator("#chart-rtt").get_by_role("columnheader", name="1.1.1.1 (ms)")).to_be_visible()
    page.context.close()


def test_a_gap_is_never_bridged(browser: Browser, served: HttpServer) -> None:
    page, _ = open_page(browser, served.url + "/sites/escuela-01")
    chart = page.locator("#chart-dns")
    assert chart.locator("path.s0").get_attribute("d").count("M") == 2  # type: ignore[union-attr]  # it has one
    assert chart.locator(".hole").count() == 1
    page.context.close()


def test_the_first_page_is_light(served: HttpServer) -> None:
    asked, total = {"Accept": "text/html", "Accept-Encoding": "gzip"}, 0
    with Client(base_url=served.url) as client:
        page = client.get("/", headers=asked)
        addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        assert len(addresses) == 3
        for answer in (page, *(client.get(address, headers=asked) for address in addresses)):
            assert answer.status_code == 200
            total += int(answer.headers["content-length"]) + len(str(answer.headers))
        assert gzip.decompress(gzip.compress(page.content)) == page.content
    assert total <= FIRST_PAGE_BYTES
    assert total <= FIRST_PAGE_BYTES / 2, "half of it is spare for many more sites"


def test_assets_are_kept_by_their_content(api: Client) -> None:
    address = re.findall(r'href="(/static/[^"]+\.css)"', api.get("/").text)[0]
    found = api.get(address)
    assert "immutable" in found.headers["cache-control"]
    assert api.get(address, headers={"If-None-Match": found.headers["etag"]}).status_code == 304
    assert api.get(re.sub(r"/static/\w+", "/static/0", address)).status_code == 404


@pytest.fixture
def moving(empty: Village, clock: ManualClock) -> Iterator[HttpServer]:
    empty.add_sites(2, simulated=False)
    empty.hear("sitio-01", NOW_MS - 5 * HOUR)
    empty.report(NOW_MS)
    server = serve(
        create_app(empty.register, empty.series, clock, ApiSettings(demo_admin=True, poll_seconds=0.1)), port=0
    )
    yield server
    server.stop()


def test_the_list_moves_without_being_loaded_again(browser: Browser, moving: HttpServer, empty: Village) -> None:
    page, faults = open_page(browser, moving.url, lang="en")
    row = page.locator('[data-site="sitio-01"]')
    expect(row.locator(".pill")).to_have_text("Down")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.evaluate("window.sameDocument = true")
    empty.hear("sitio-01", NOW_MS)
    expect(row.locator(".pill")).to_have_text("Up")
    expect(page.locator(".count.up b")).to_have_text("1")
    assert page.evaluate("window.sameDocument") is True
    assert faults == []
    page.context.close()


def test_a_sites_charts_move_when_a_batch_arrives(browser: Browser, moving: HttpServer, empty: Village) -> None:
    page, _ = open_page(browser, moving.url + "/sites/sitio-01", lang="en")
    expect(page.get_by_text("This site has sent no measurements yet.")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    at = NOW_MS - 60_000
    empty.measure(
        "sitio-01", [(at, "dns", {"target": "gob.mx", "server": "1.1.1.1"}, {"duration_seconds": 0.75, "answers": 1})]
    )
    empty.hear("sitio-01", NOW_MS)
    expect(page.locator(".tile b").first).to_have_text("750 ms")
    expect(page.locator("#chart-dns")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    page.context.close()


def test_a_lost_server_is_said(browser: Browser, empty: Village, clock: ManualClock) -> None:
    server = serve(create_app(empty.register, empty.series, clock, ApiSettings(demo_admin=True)), port=0)
    page, _ = open_page(browser, server.url, lang="en")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    server.stop()
    expect(page.get_by_text("reconnecting")).to_be_visible()
    page.context.close()


def test_no_sites_yet_says_what_to_do(fresh: Client) -> None:
    page = fresh.get("/", headers={"Accept-Language": "es-MX,es;q=0.9"}).text
    assert "Aún no hay sitios" in page
    assert "aldea site add" in page


def test_a_search_without_result_offers_a_way_back(api: Client) -> None:
    page = api.get("/?q=zzz", headers={"Accept-Language": "en"}).text
    assert "No site fits" in page
    assert 'value="zzz"' in page, "what was typed is kept"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nada", 404),
        ("/sites/nada", 404),
        ("/?state=lost", 400),
        ("/?kind=x", 400),
        ("/?page=0", 400),
        ("/sites/escuela-01?span=9d", 400),
    ],
)
def test_errors_are_pages_in_the_readers_language(api: Client, path: str, status: int) -> None:
    found = api.get(path, headers={"Accept": "text/html", "Accept-Language": "es"})
    assert found.status_code == status
    assert "A la lista de sitios" in found.text
    assert api.get(path).headers["content-type"] == "application/problem+json", "a program gets a document"


def test_names_from_outside_are_shown_as_text(fresh: Client, empty: Village) -> None:
    empty.add_sites(1)
    empty.hear("sitio-01", NOW_MS)
    empty.measure(
        "sitio-01", [(NOW_MS - 60_000, "ping", {"target": "<script>alert(1)</script>"}, {"rtt_avg_seconds": 0.5})]
    )
    page = fresh.get("/sites/sitio-01").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>bold" not in fresh.get("/?q=<b>bold").text


def test_real_and_simulated_sites_are_counted_apart(api: Client) -> None:
    page = api.get("/", headers={"Accept-Language": "en"}).text
    assert re.search(r'id="real">\s*1 site<', page)
    assert re.search(r'id="simulated">\s*12 simulated sites<', page)


def test_the_page_works_while_the_series_store_is_away(
    fresh: Client, empty: Village, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from aldea.model.series import StoreUnavailable

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    empty.add_sites(1)
    empty.remember("sitio-01", NOW_MS - 1000, {"rtt_avg_seconds": 0.612})
    for name in ("catalogue", "read", "latest"):
        monkeypatch.setattr(empty.series, name, away)
    page = fresh.get("/sites/sitio-01", headers={"Accept-Language": "en"}).text
    assert "The series store does not answer" in page
    assert "612 ms" in page
