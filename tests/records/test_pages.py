"""The pages of records in a real browser: without scripts, twice, wrongly, and put right again."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from httpx import Client
from playwright.sync_api import Browser, Page, expect

from aldea.dashboard_api.server import HttpServer
from aldea.model.clock import ManualClock
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from aldea.storage.register.records import list_records, record_versions
from dashboard_api.village import DAY, NOW_MS, Village

pytestmark = pytest.mark.browser

SITE = "escuela-01"
TODAY = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()


def open_page(browser: Browser, address: str, *, lang: str = "es", width: int = 1280, scripts: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale=f"{lang}-MX", java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(address)
    return page


@pytest.fixture
def owing(village: Village) -> Village:
    with village.register.transaction() as unit:
        add_programme(unit, Programme("sur", "Aldeas del sur", date(2024, 1, 1), None, {"attendance": "month"}))
        assign_site(unit, "sur", SITE, NOW_MS - 60 * DAY)
    return village


def test_a_form_keeps_what_was_typed_names_what_is_wrong_and_stores_once(
    browser: Browser, server: HttpServer, owing: Village
) -> None:
    page = open_page(browser, f"{server.url}/records/new/attendance?site={SITE}")
    page.fill("[name='activity']", "Taller")
    page.fill("[name='participants.0.code']", "Nombre Apellido")
    page.get_by_role("button", name="Agregar renglones").first.click()
    assert page.input_value("[name='participants.0.code']") == "Nombre Apellido", "kept without scripts"
    page.locator("summary").filter(has_text="Pegar").first.click()
    page.fill("[name='participants.paste']", "K-2\tMujer\t15-24\nK-3\tHombre\t65+")
    page.get_by_role("button", name="Pasar a los renglones").first.click()
    assert page.input_value("[name='participants.1.code']") == "K-2"
    page.get_by_role("button", name="Guardar").last.click()
    expect(page.locator("#faults")).to_contain_text("use una clave, no un nombre")
    assert page.input_value("[name='activity']") == "Taller"
    assert page.input_value("[name='participants.2.sex']") == "M"
    page.fill("[name='participants.0.code']", "K-1")
    page.select_option("[name='participants.0.sex']", "F")
    page.select_option("[name='participants.0.age_band']", "25-44")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Guardar").last.click()
    expect(page.get_by_text("Guardado.")).to_be_visible()
    form = dict(parse_qsl(sent.value.post_data or "", keep_blank_values=True))
    with Client(base_url=server.url, headers={"Accept-Language": "es"}) as client:
        assert client.post("/records/new/attendance", data=form).status_code == 303, "the second click"
        client.cookies.clear()
        other = client.post("/records/new/attendance", data={**form, "activity": "Otro"})
        assert "ya se había guardado con otro contenido" in other.text
        assert 'value="Otro"' in other.text
    with owing.register.reading() as unit:
        (stored,) = list_records(unit)
    assert [person["code"] for person in stored.payload["participants"]] == ["K-1", "K-2", "K-3"]
    assert (stored.programme, stored.event_date, stored.version) == ("sur", TODAY, 1)
    page.context.close()


def test_nothing_happened_is_one_tap_and_two_taps_are_one(browser: Browser, server: HttpServer, owing: Village) -> None:
    page = open_page(browser, f"{server.url}/records?kind=real", lang="en", width=360)
    duty = page.locator(".duty").first
    expect(duty).to_contain_text("Missing")
    duty.get_by_role("button", name="Nothing happened").click()
    expect(page.locator(".duty .pill").first).to_have_text("Nothing happened")
    with owing.register.reading() as unit:
        (stored,) = list_records(unit)
    assert stored.payload == {"form": "attendance", "month": f"{TODAY:%Y%m}"}
    page.context.close()


def test_a_double_tap_is_one_tap(server: HttpServer, owing: Village) -> None:
    with Client(base_url=server.url) as client:
        page = client.get("/records?kind=real").text
        client.cookies.clear()
        form = page[page.index('action="/records/nothing"') :]
        sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[: form.index("</form>")]))
        assert len(sent.pop("token")) > 20
        for token in ("tap", "tap"):
            assert client.post("/records/nothing", data={**sent, "token": token}).status_code == 303
            client.cookies.clear()
    with owing.register.reading() as unit:
        assert len(list_records(unit)) == 1


def test_a_record_is_corrected_and_withdrawn_with_a_reason(
    browser: Browser, server: HttpServer, owing: Village
) -> None:
    sent = {"site": SITE, "form": "power_note", "payload": {"from": f"{TODAY}T00:05", "note": "luz"}}
    with Client(base_url=server.url) as client:
        record = client.post("/api/v1/records", json=sent).json()["id"]
    page = open_page(browser, f"{server.url}/records/{record}/correct")
    page.fill("[name='note']", "sin luz")
    page.get_by_role("button", name="Guardar").last.click()
    expect(page.locator("#faults")).to_contain_text("por qué se corrige")
    assert page.input_value("[name='note']") == "sin luz"
    page.fill("[name='reason']", "faltó una palabra")
    page.get_by_role("button", name="Guardar").last.click()
    expect(page.get_by_text("faltó una palabra")).to_be_visible()
    page.get_by_role("button", name="Retirar").click()
    page.fill("[name='reason']", " ")
    page.get_by_role("button", name="Retirar").click()
    expect(page.get_by_text("por qué se retira el registro")).to_be_visible()
    page.fill("[name='reason']", "de otro sitio")
    page.get_by_role("button", name="Retirar").click()
    expect(page.get_by_text("ya no cuenta")).to_be_visible()
    with owing.register.reading() as unit:
        versions = record_versions(unit, record)
    assert [(item.version, item.withdrawn, item.reason) for item in versions] == [
        (1, False, None),
        (2, False, "faltó una palabra"),
        (3, True, "de otro sitio"),
    ]
    page.context.close()


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_fit_the_screen(browser: Browser, server: HttpServer, owing: Village, lang: str, width: int) -> None:
    page = open_page(browser, f"{server.url}/records", lang=lang, width=width, scripts=True)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    for path in (
        "/records",
        "/records/new/course",
        f"/records/new/course?site={SITE}",
        "/records/print/course",
        "/records/import",
        "/admin/programmes",
        "/admin/programmes/sur",
    ):
        answer = page.goto(server.url + path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.evaluate("document.documentElement.scrollWidth") == width, f"{path} scrolls sideways"
    assert faults == []
    page.context.close()


def test_nothing_owed_and_nothing_entered_say_what_to_do(server: HttpServer) -> None:
    with Client(base_url=server.url) as client:
        page = client.get("/records?kind=real", headers={"Accept-Language": "es"}).text
    assert "Ningún programa pide reportes" in page
    assert "Aún no se ha capturado nada" in page


def test_in_the_evening_of_a_months_last_day_that_month_is_shown(
    server: HttpServer, clock: ManualClock, owing: Village
) -> None:
    del owing
    with Client(base_url=server.url, headers={"Accept-Language": "en"}) as client:
        for at, month in (("2026-11-30T23:59", "November 2026"), ("2026-12-01T00:00", "December 2026")):
            here = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("America/Mexico_City"))
            clock.step_wall(round(here.timestamp() * 1000) - clock.wall_ms())
            page = client.get("/records").text
            assert f"Entered for {month}" in page
            first = re.search(r'<option value="(\d+)"', page)
            assert first is not None
            assert first[1] == f"{here:%Y%m}", "the newest that can be chosen"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/records?month=2025-13", 400, "give year and month"),
        ("/records?form=x", 400, "use one of course"),
        ("/records?kind=x", 400, "use real or simulated"),
        ("/records?after=x", 400, "no cursor"),
        ("/records/nothere", 404, "There is no record"),
        ("/records/new/x", 404, "There is no form 'x': use one of"),
        ("/records/new/course?site=x", 404, "There is no site 'x'"),
        ("/admin/programmes/x", 404, "There is no programme"),
    ],
)
def test_addresses_that_cannot_be_are_answered_in_words(server: HttpServer, path: str, status: int, words: str) -> None:
    with Client(base_url=server.url) as client:
        answer = client.get(path)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


def test_a_programme_is_made_in_the_browser_and_its_sites_owe_then(
    browser: Browser, server: HttpServer, village: Village
) -> None:
    page = open_page(browser, f"{server.url}/admin/programmes", lang="en")
    page.fill("[name='id']", "Norte!")
    page.fill("[name='due_days']", "many")
    page.fill("[name='ends_on']", "2020-01-01")
    page.get_by_role("button", name="Add the programme").click()
    for words in ("Id: use 1 to 39", "Name: it is missing", "First day: this is not a date", "Days to report"):
        expect(page.locator("#faults")).to_contain_text(words)
    assert page.input_value("[name='due_days']") == "many"
    for name, value in {"id": "norte", "name": "Norte", "due_days": "5", "starts_on": "2024-01-01"}.items():
        page.fill(f"[name='{name}']", value)
    page.select_option("[name='duty.course']", "month")
    page.get_by_role("button", name="Add the programme").click()
    expect(page.locator("#faults")).to_contain_text("Last day: it is before the first day")
    page.fill("[name='ends_on']", "")
    page.get_by_role("button", name="Add the programme").click()
    for site, words in (("", "Site: it is missing"), ("nowhere", "is not registered"), ("sim-01", "never mixed")):
        page.fill("[name='site']", site)
        page.get_by_role("button", name="Put in").click()
        expect(page.locator("#faults")).to_contain_text(words)
        assert page.input_value("[name='site']") == site
    page.fill("[name='site']", "escuela-01\nescuela-02")
    page.get_by_role("button", name="Put in").click()
    expect(page.get_by_role("row", name=re.compile("escuela-02"))).to_be_visible()
    page.goto(f"{server.url}/records")
    assert page.locator(".duty").count() == 4, "a course and the attendance that the page proposes, at two sites"
    page.context.close()
