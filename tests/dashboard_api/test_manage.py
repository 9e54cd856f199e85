"""The pages on which sites are managed: import with its preview, a form, codes, the real start."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from httpx import Client

from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.audit import list_audit
from aldea.storage.register.facts import fact_at
from aldea.storage.register.programmes import memberships
from aldea.storage.register.real_start import Phase, read_wish
from aldea.storage.register.sites import SiteState, count_sites, state_at
from aldea.storage.register.uploads import LIFE_MS
from dashboard_api.forms import forms_of
from dashboard_api.village import NOW_MS, Village

TABLE = "id;name;state;municipality;population\nisla;Isla;Campeche;Calkiní;790\nmonte;Monte;Texas;;1\n"


def upload(pages: Client, content: str) -> str:
    return str(pages.post("/admin/import", files={"file": ("sites.csv", content.encode())}).url.path)


def test_an_upload_is_looked_at_and_changes_nothing_before_it_is_confirmed(pages: Client, empty: Village) -> None:
    address = upload(pages, TABLE)
    shown = pages.get(address).text
    assert "none of the 32 federal states" in shown
    assert "America/Merida" in shown
    with empty.register.reading() as unit:
        assert count_sites(unit, simulated=False) == 0
    assert "Nothing was changed" in pages.post(address).text
    assert "1 added, 0 changed" in pages.post(address, data={"good_rows": "1"}).text
    with empty.register.reading() as unit:
        assert fact_at(unit, "isla", "population", NOW_MS) == 790
        assert list_audit(unit)[0].action == "sites_imported"
    assert "no longer here" in pages.get(address).text


def test_the_refused_lines_and_the_templates_can_be_had(pages: Client) -> None:
    address = upload(pages, TABLE)
    assert "none of the 32" in pages.get(f"{address}/rejects.csv").text
    assert pages.get(f"{address}/rejects.xlsx").content[:2] == b"PK"
    assert pages.get("/admin/import/template.xlsx").content[:2] == b"PK"
    assert "id,name" in pages.get("/admin/import/template.csv").text


def test_a_day_that_is_none_and_a_table_without_its_columns_change_nothing(pages: Client, empty: Village) -> None:
    good = upload(pages, "id;name;state;municipality\nx;X;Campeche;Calkini\n")
    for path in (good, f"{good}/rejects.csv"):
        page = pages.get(path, params={"from_day": "tomorrow"})
        assert page.status_code == 400, path
        assert "is not a date: write the day" in page.text
    assert pages.post(good, data={"from_day": "tomorrow"}).status_code == 400
    # A bad heading keeps the file from being looked at, confirmed, and handed back.
    bad = upload(pages, "id;state;municipality\nx;Campeche;C\n")
    for answer in (pages.get(bad), pages.get(f"{bad}/rejects.csv"), pages.post(bad)):
        assert answer.status_code == 400
        assert "name / nombre" in answer.text
    with empty.register.reading() as unit:
        assert count_sites(unit, simulated=False) == 0


def test_a_file_that_is_no_table_and_one_that_waited_too_long_get_a_sentence(pages: Client, clock: ManualClock) -> None:
    answer = pages.post("/admin/import", files={"file": ("photo.png", b"\x89PNG\x00\x00")})
    assert (answer.status_code, "neither XLSX nor CSV" in answer.text) == (400, True)
    address = upload(pages, TABLE)
    clock.advance(LIFE_MS)
    assert "no longer here" in pages.get(address).text


def test_a_site_is_added_changed_and_closed_from_a_day_on(pages: Client, empty: Village) -> None:
    wrong = pages.post("/admin/sites/new", data={"id": "isla", "name": "Isla", "state": "Campeche", "population": "x"})
    assert wrong.status_code == 400
    assert "write a whole number such as 1250" in wrong.text
    assert 'value="Campeche"' in wrong.text
    pages.post("/admin/sites/new", data={"id": "isla", "name": "Isla", "state": "Campeche", "provider": "A"})
    pages.post("/admin/sites/isla", data={"name": "Isla", "provider": "", "from_day": "2026-12-01"})
    with empty.register.reading() as unit:
        assert fact_at(unit, "isla", "provider", NOW_MS) == "A"
        assert fact_at(unit, "isla", "provider", NOW_MS + 30 * 86_400_000) is None
    assert "That is not a date" in pages.post("/admin/sites/isla", data={"name": "I", "from_day": "soon"}).text
    pages.post("/admin/sites/isla/state", data={"state": "closed"})
    with empty.register.reading() as unit:
        assert state_at(unit, "isla", NOW_MS + 1) is SiteState.CLOSED
    assert "is closed" in pages.post("/admin/sites/isla/enrol", data={"device": "agent"}).text
    spanish = pages.post("/admin/sites/isla/enrol", data={"device": "agent"}, headers={"Accept-Language": "es"}).text
    assert "está cerrado: hay que abrirlo otra vez antes de inscribir un equipo." in spanish
    assert pages.get("/admin/sites/nowhere").status_code == 404


def test_a_code_is_shown_once_with_the_command_to_type(pages: Client) -> None:
    pages.post("/admin/sites/new", data={"id": "isla", "name": "Isla", "state": "Campeche"})
    answer = pages.post("/admin/sites/isla/enrol", data={"device": "agent"})
    code = re.search(r"--code ([A-Z0-9]{4}-[A-Z0-9]{4})", answer.text)
    assert code is not None
    assert f"--server {str(pages.base_url).rstrip('/')} --code" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert code[1] not in pages.get("/admin/sites/isla").text
    assert "A code waits for it" in pages.get("/admin/sites/isla").text


@pytest.mark.parametrize("public", ["https://aldea.example.org", "https://example.org/aldea/"])
def test_codes_and_links_name_the_address_that_others_reach(empty: Village, clock: ManualClock, public: str) -> None:
    with forms_of(empty, clock, ApiSettings(demo_admin=True, public_url=public)) as pages:
        pages.post("/admin/sites/new", data={"id": "isla", "name": "Isla", "state": "Campeche"})
        shown = pages.post("/admin/sites/isla/enrol", data={"device": "agent"}).text
        link = pages.post("/admin/people", data={"label": "Técnica", "account": "tecnica"}).text
    assert f"aldea agent enrol --server {public.rstrip('/')} --code " in shown
    assert f"{public.rstrip('/')}/set-password/" in link


def test_the_real_start_needs_the_word(pages: Client, empty: Village) -> None:
    empty.add_sites(2)
    assert "type the word" in pages.post("/admin/start-for-real", data={"word": "yes"}).text
    with empty.register.reading() as unit:
        assert read_wish(unit) is None
    answer = pages.post("/admin/start-for-real", data={"word": "Start"})
    assert answer.headers["Refresh"] == "2"
    with empty.register.reading() as unit:
        wish = read_wish(unit)
    assert wish is not None
    assert wish.phase is Phase.ASKED


def test_in_the_evening_of_the_villages_a_new_site_begins_today_and_not_tomorrow(empty: Village) -> None:
    """The server's own day is a day ahead then, as on any machine that runs on UTC."""
    evening_ms = round(datetime(2026, 11, 23, 0, 30, tzinfo=UTC).timestamp() * 1000)
    settings = ApiSettings(demo_admin=True, time_zone="UTC")
    with forms_of(empty, ManualClock(evening_ms), settings) as pages:
        address = upload(pages, "id;name;state;municipality\nisla;Isla;Campeche;Calkiní\n")
        assert 'name="from_day" value=""' in pages.get(address).text
        assert "1 added" in pages.post(address).text
        site = {"id": "monte", "name": "Monte", "state": "Yucatán", "municipality": "Tekax"}
        assert "Saved." in pages.post("/admin/sites/new", data=site).text
        programme = {"id": "aldeas", "name": "Aldeas", "starts_on": "2026-01-01", "due_days": "10"}
        assert pages.post("/admin/programmes", data=programme).status_code == 200
        assert "The sites are in." in pages.post("/admin/programmes/aldeas/sites", data={"site": "isla monte"}).text
    with empty.register.reading() as unit:
        for name in ("isla", "monte"):
            assert state_at(unit, name, evening_ms) is SiteState.COMMISSIONED
        assert [member.from_ms <= evening_ms for member in memberships(unit, "aldeas")] == [True, True]


def test_why_a_site_cannot_be_in_a_programme_is_said_in_the_readers_language(pages: Client, empty: Village) -> None:
    empty.add_sites(1)
    programme = {"id": "aldeas", "name": "Aldeas", "starts_on": "2026-01-01", "due_days": "10"}
    assert pages.post("/admin/programmes", data=programme).status_code == 200
    for site, english, spanish in (
        (
            "sitio-01",
            "programme &#39;aldeas&#39; is real: the two are never mixed.",
            "nunca se mezclan.",
        ),
        ("nowhere", "is not registered, or not yours to assign", "esta cuenta no puede asignarlo"),
    ):
        for language, words in (("en", english), ("es", spanish)):
            wish = {"Accept-Language": language}
            assert words in pages.post("/admin/programmes/aldeas/sites", data={"site": site}, headers=wish).text
