"""The API and the pages of the four steps, asked by everybody who may and some who may not."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from httpx import Client
from playwright.sync_api import Browser, Page

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.web import indicator_places
from aldea.indicators.catalogue import CATALOGUE
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.indicator_values import IndicatorValue
from aldea.storage.register.indicator_writing import put_values
from aldea.storage.register.people import Grant, add_person, give_role
from aldea.storage.register.tokens import make_token
from aldea.storage.series import open_series_store
from indicators.shown import NOW_MS, fill
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = "/api/v1/indicators/{}/values"
REACH, AVAILABILITY = "apr_training_reach_per_1000", "acc_availability_total_pct"


def serving(register: Register, folder: Path, *, demo: bool = True) -> Iterator[HttpServer]:
    series = open_series_store(f"sqlite:///{folder}/series.db")
    server = serve(create_app(register, series, ManualClock(NOW_MS), ApiSettings(demo_admin=demo)), port=0)
    yield server
    server.stop()
    series.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    register = open_register(clean_file(tmp_path_factory.mktemp("shown")))
    fill(register)
    yield register
    register.close()


@pytest.fixture(scope="module")
def served(full: Register, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    yield from serving(full, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def client(served: HttpServer) -> Iterator[Client]:
    with Client(base_url=served.url, timeout=60) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(full: Register, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """The same figures where everybody has to sign in."""
    yield from serving(full, tmp_path_factory.mktemp("guarded"), demo=False)


def signed_in(register: Register, server: HttpServer, person: str, role: str, **limits: str) -> Client:
    with register.transaction() as unit:
        add_person(unit, person, person.title(), NOW_MS - 1000)
        give_role(unit, Grant(person, role, limits.get("programme", ""), limits.get("region", ""), NOW_MS - 1000, None))
        secret, _ = make_token(unit, person, "test", ["view"], NOW_MS - 1000)
    return Client(base_url=server.url, timeout=60, headers={"Authorization": f"Bearer {secret}"})


def items(client: Client, indicator: str, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(VALUES.format(indicator), params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_the_catalogue_speaks_the_language_that_is_asked_for(client: Client) -> None:
    spanish = client.get("/api/v1/indicators", headers={"Accept-Language": "es"}).json()["items"]
    english = client.get("/api/v1/indicators?lang=en").json()["items"]
    assert [one["id"] for one in spanish] == list(CATALOGUE)
    assert (spanish[0]["name"], english[0]["name"]) == ("Sitios en operación", "Sites in operation")
    one = client.get(f"/api/v1/indicators/{REACH}?lang=en").json()
    assert (one["method"], one["disaggregations"]["sex"]) == ("distinct_persons_per", ["F", "M", "O"])


def test_values_carry_all_that_says_how_far_they_can_be_believed(client: Client) -> None:
    (value,) = items(client, AVAILABILITY, period="202610")
    assert (value["area"], value["simulated"], value["status"]) == (
        {"level": "all", "code": "all", "name": "all"},
        False,
        "A",
    )
    assert value["value"] == pytest.approx(100 * value["numerator"] / value["denominator"])
    low, high = value["bounds"]
    assert low <= value["value"] <= high
    assert (value["sites_reporting"], value["sites_expected"], value["closed"]) == (6, 7, True)
    states = items(client, AVAILABILITY, period="202610", area="state")
    assert {one["area"]["code"] for one in states} == {"Yucatán", "Chiapas"}
    assert sum(one["numerator"] for one in states) == pytest.approx(value["numerator"])
    assert len(items(client, AVAILABILITY, period="202610", area="site")) == 8
    (running,) = items(client, AVAILABILITY, period="202611")
    assert running["status"] == "P"
    (town,) = items(client, AVAILABILITY, period="202610", setting="urban")
    assert town["sites_expected"] == 1
    (made_up,) = items(client, AVAILABILITY, period="202610", simulated=True)
    assert (made_up["sites_expected"], made_up["simulated"]) == (3, True)


def test_a_machines_figure_by_sex_cannot_exist(client: Client) -> None:
    (value,) = items(client, AVAILABILITY, period="202610", sex="F")
    assert (value["status"], value["value"], value["notes"]) == ("M", None, ["no_such_split"])


@pytest.mark.parametrize("asked", [{"period": "202610"}, {}, {"sex": "F"}], ids=["a-month", "all-months", "women"])
@pytest.mark.parametrize("area", ["site", "state", "all", "state:Chiapas"])
@pytest.mark.parametrize("indicator", [AVAILABILITY, REACH])
def test_a_list_is_read_page_by_page(client: Client, indicator: str, area: str, asked: dict[str, str]) -> None:
    whole = items(client, indicator, area=area, **asked)
    paged: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        wanted = {"area": area, "limit": "3", **asked, **after}
        answer = client.get(VALUES.format(indicator), params=wanted).json()
        paged += answer["items"]
        assert answer["next"] is None or len(answer["items"]) == 3
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert paged == whole
    assert whole or (indicator, asked) == (REACH, {"sex": "F"})


def test_a_cursor_of_another_list_is_none_of_this_one(client: Client) -> None:
    asked = {"area": "site", "limit": "1"}
    cursor = client.get(VALUES.format(AVAILABILITY), params=asked).json()["next"]
    codes = [one["area"]["code"] for one in items(client, AVAILABILITY, area="site")]
    another = {"area": f"site:{codes[-1]}"}
    for wanted in ({"area": "state"}, another, {"period": "202611"}, {"simulated": "true"}, {"programme": "otra"}):
        refused = client.get(VALUES.format(AVAILABILITY), params={**asked, "after": cursor, **wanted})
        assert (refused.status_code, "begin anew" in refused.text) == (400, True), wanted
    assert client.get(VALUES.format(REACH), params={**asked, "after": cursor}).status_code == 400


def test_a_cursor_whose_value_was_revised_since_is_refused(register: Register, tmp_path: Path) -> None:
    chiapas = IndicatorValue(
        AVAILABILITY, "1", "state", "Chiapas", "202610", "", False, "percent", "administrative", "A", value=50.0
    )

    def write(*values: IndicatorValue) -> None:
        with register.transaction() as unit:
            put_values(unit, "202610", values, simulated=False, closing=True, at_ms=NOW_MS, positions={})

    write(chiapas, replace(chiapas, area_code="Yucatán"))
    serving_it = serving(register, tmp_path)
    with Client(base_url=next(serving_it).url) as client:
        asked = {"area": "state", "limit": "1"}
        cursor = client.get(VALUES.format(AVAILABILITY), params=asked).json()["next"]
        assert client.get(VALUES.format(AVAILABILITY), params={**asked, "after": cursor}).status_code == 200
        write(replace(chiapas, value=60.0))
        assert client.get(VALUES.format(AVAILABILITY), params={**asked, "after": cursor}).status_code == 400
    next(serving_it, None)


@pytest.mark.parametrize(
    ("asked", "parameter", "sentence"),
    [
        ({"area": "village:x"}, "area", "state:Yucatán"),
        ({"area": "state:Atlantis"}, "area", "where no site is (Chiapas, Yucatán)"),
        ({"area": "municipality:99999"}, "area", "first 5 digits"),
        ({"period": "2026-10"}, "period", "202506"),
        ({"programme": "nada"}, "programme", "There is no programme 'nada'"),
        ({"setting": "sea"}, "setting", "use rural or urban"),
        ({"sex": "X"}, "sex", "use F, M, O"),
        ({"age": "20"}, "age", "15-24"),
        ({"sex": "F", "age": "15-24"}, "sex", "Only one"),
        ({"evidence": "gossip"}, "evidence", "use administrative"),
        ({"after": "9"}, "after", "begin anew"),
        ({"limit": "0"}, "limit", "limit"),
        ({"aera": "all"}, "aera", "did you mean area"),
        ({"simulated": "perhaps"}, "simulated", "perhaps"),
    ],
)
def test_a_parameter_that_cannot_be_is_named_with_its_fix(
    client: Client, asked: dict[str, str], parameter: str, sentence: str
) -> None:
    answer = client.get(VALUES.format(REACH), params=asked)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    fault = answer.json()["errors"][0]
    assert fault["parameter"] == parameter
    assert sentence in fault["detail"]


def test_a_period_that_is_none_is_refused_in_the_language_that_is_asked_for(client: Client) -> None:
    answer = client.get(VALUES.format(REACH), params={"period": "2026-10"}, headers={"Accept-Language": "es"})
    assert answer.json()["errors"][0]["detail"].startswith("el periodo es '2026-10': un mes se escribe como 202506")


def test_what_is_not_there_says_where_to_look(client: Client) -> None:
    answer = client.get(VALUES.format("acc_magic"))
    assert (answer.status_code, "/api/v1/indicators" in answer.json()["detail"]) == (404, True)


def test_a_partner_sees_her_programmes_figures_and_no_one_elses(full: Register, guarded: HttpServer) -> None:
    with Client(base_url=guarded.url) as nobody:
        assert nobody.get(VALUES.format(REACH)).status_code == 401
    with signed_in(full, guarded, "socia", "partner", programme="aldeas") as partner:
        assert items(partner, REACH, programme="aldeas", period="202610")
        refused = partner.get(VALUES.format(REACH), params={"period": "202610"})
        assert (refused.status_code, "programme=aldeas" in refused.json()["detail"]) == (403, True)
        assert partner.get(VALUES.format(REACH), params={"programme": "otra"}).status_code == 403
        assert items(partner, REACH, area="site") == []
        page = partner.get("/indicators", headers={"Accept": "text/html"})
        assert (page.status_code, 'value="aldeas" selected' in page.text) == (200, True)
    with signed_in(full, guarded, "ajena", "partner", programme="otra") as other:
        hidden = other.get(VALUES.format(REACH), params={"area": "site:sitio-1", "programme": "aldeas"})
        assert hidden.status_code == 403
        assert items(other, REACH, area="site", programme="aldeas") == []
    with signed_in(full, guarded, "sureste", "viewer", region="Yucatán") as viewer:
        assert items(viewer, REACH, area="state:Yucatán", period="202610")
        assert viewer.get(VALUES.format(REACH), params={"area": "state:Chiapas"}).status_code == 403
        assert viewer.get(VALUES.format(REACH), params={"area": "site:sitio-2"}).status_code == 404


def test_few_people_are_hidden_and_so_is_what_would_give_them_away(full: Register, guarded: HttpServer) -> None:
    completion = "apr_course_completion_pct"
    with signed_in(full, guarded, "publico", "viewer") as viewer:
        seen = {one["area"]["code"]: one for one in items(viewer, completion, area="site", period="202608")}
    hidden = {code for code, one in seen.items() if one["status"] == "Q"}
    assert len(hidden) >= 2
    for one in seen.values():
        if one["status"] == "Q":
            assert {one[name] for name in ("value", "numerator", "denominator", "bounds", "n")} == {None}
        elif one["denominator"]:
            rest = one["denominator"] - one["numerator"]
            assert one["denominator"] >= 10
            assert one["numerator"] not in range(1, 5)
            assert rest not in range(1, 5)


def opened(browser: Browser, address: str, lang: str, width: int) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale=f"{lang}-MX", java_script_enabled=False
    )
    page = context.new_page()
    page.goto(address)
    return page


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "path",
    [
        "/indicators",
        "/indicators?kind=simulated&period=202610",
        f"/indicators/{REACH}?period=202610&by=site&sort=coverage",
    ],
)
def test_pages_fit_the_screen_without_scripts(
    browser: Browser, served: HttpServer, lang: str, width: int, path: str
) -> None:
    page = opened(browser, served.url + path, lang, width)
    assert page.locator("html").get_attribute("lang") == lang
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("h1").count() == 1
    page.context.close()


@pytest.mark.browser
def test_a_manager_walks_from_the_steps_to_the_place_that_is_missing(browser: Browser, served: HttpServer) -> None:
    page = opened(browser, served.url + "/indicators", "en", 1280)
    assert page.locator("section.step").count() == 4
    page.get_by_label("Period").select_option("202610")
    page.get_by_label("Programme").select_option("aldeas")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Sites whose chosen project uses the connection").click()
    assert "6 of 7 sites report" in page.locator("main").inner_text()
    page.get_by_role("link", name="By site").click()
    assert "Sitio 6" in page.locator("section[aria-labelledby=silent]").inner_text()
    page.get_by_role("link", name="Sitio 6").first.click()
    assert "Withheld" in page.locator("main").inner_text()
    page.context.close()


@pytest.mark.parametrize("query", ["kind=both", "area=state", "period=x", "by=moon", "sort=luck", "programme=nada"])
def test_a_page_asked_for_what_cannot_be_says_so(client: Client, query: str) -> None:
    answer = client.get(f"/indicators/{REACH}?{query}", headers={"Accept": "text/html"})
    assert (answer.status_code, "<h1>" in answer.text) == (400, True)


def test_without_sites_the_page_says_what_comes_first(register: Register, tmp_path: Path) -> None:
    serving_it = serving(register, tmp_path)
    server = next(serving_it)
    with Client(base_url=server.url) as client:
        page = client.get("/indicators?lang=en", headers={"Accept": "text/html"}).text
        assert "No site is in service yet" in page
        assert client.get(f"/indicators/{REACH}?lang=en", headers={"Accept": "text/html"}).status_code == 200
    next(serving_it, None)


@pytest.mark.parametrize("sort", ["name", "value", "coverage"])
def test_the_places_of_a_large_programme_come_a_page_at_a_time(
    client: Client, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    first = f"/indicators/{AVAILABILITY}?by=site&sort={sort}"
    whole = _places(client.get(first).text)
    assert len(whole) > 6
    monkeypatch.setattr(indicator_places, "PARTS_A_PAGE", 3)
    seen: list[str] = []
    address: str | None = first
    while address is not None:
        text = client.get(address).text
        assert 1 <= len(_places(text)) <= 3
        seen += _places(text)
        following = re.search('rel="next" href="([^"]+)"', text)
        address = None if following is None else unescape(following[1])
    assert seen == whole
    assert f"1\u20133 / {len(whole)}" in client.get(first).text
    assert client.get(f"{first}&page=0").status_code == 400
    assert _places(client.get(f"{first}&page=99").text) == whole[-(len(whole) % 3 or 3) :]


def _places(text: str) -> list[str]:
    """Return the names in the table of places."""
    table = text.partition('class="data byplace"')[2].partition("</table>")[0]
    return re.findall(r'<a href="[^"]+">([^<]+)</a>', table)
