"""Profiles and the settings of single devices: pages without JavaScript, the API, and who may."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from httpx import Client
from hypothesis import given
from hypothesis import strategies as st

from aldea.agents.overlay.checking import agent_guide
from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.web.setting_words import HELP
from aldea.model.clock import ManualClock
from aldea.model.toml_text import as_toml
from aldea.storage.register.audit import list_audit
from aldea.storage.register.commands import commands_of, note_answer
from aldea.storage.register.facts import set_fact
from aldea.storage.register.people import Grant, give_role
from aldea.storage.register.profiles import find_profile, profile_of
from dashboard_api.accounts import session_of
from dashboard_api.forms import DEMO, forms_of
from dashboard_api.village import DAY, NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FIRST, SECOND = "poblado-01", "poblado-02"


@pytest.fixture
def village(empty: Village) -> Village:
    """Two real sites with an agent each."""
    empty.add_sites(2, simulated=False, prefix="poblado")
    return empty


@pytest.fixture
def pages(village: Village) -> Iterator[Client]:
    with forms_of(village, ManualClock(NOW_MS), guide=agent_guide()) as client:
        yield client


def answer(village: Village, site: str, state: str, detail: dict[str, Any]) -> None:
    with village.register.transaction() as unit:
        newest = commands_of(unit, site, kinds=["settings"])[0]
        note_answer(unit, site, "agent", newest.id, state, detail, NOW_MS)


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_written_as_toml_reads_the_same(document: dict[str, Any]) -> None:
    assert tomllib.loads(as_toml(document)) == document


def test_the_words_of_the_form_are_the_agents_own() -> None:
    assert {item.key: item.help for item in agent_guide().settings} == HELP


def test_a_profile_goes_all_the_way_from_a_form_to_what_devices_answered(pages: Client, village: Village) -> None:
    form = {"id": "slow", "name": "Slow", "s.sample_seconds": "300", "s.send_seconds": "900"}
    form |= {"s.ping.anchors": "192.0.2.1\n192.0.2.2", "s.dns.enabled": "false"}
    form |= {"s.snmp.targets": '[[targets]]\nhost = "192.0.2.7"\nprofile = "mikrotik"'}
    made = pages.post("/admin/profiles/new", data=form)
    assert "Saved. Nothing was sent yet." in made.text
    with village.register.reading() as unit:
        stored = find_profile(unit, "slow")
    assert stored is not None
    assert stored.document == {
        "sample_seconds": 300,
        "send_seconds": 900,
        "ping": {"anchors": ["192.0.2.1", "192.0.2.2"]},
        "dns": {"enabled": False},
        "snmp": {"targets": [{"host": "192.0.2.7", "profile": "mikrotik"}]},
    }
    given = pages.post("/admin/profiles/slow/sites", data={"site": f"{FIRST} {SECOND}", "action": "add"})
    assert "2 not sent yet" in given.text
    preview = pages.get("/admin/profiles/slow/send")
    assert "2 of 2 devices would change" in preview.text
    sent = pages.post("/admin/profiles/slow/send", data={"who": "ticked", "device": f"{FIRST}/agent"})
    assert "Sent to devices: 1" in sent.text
    assert "1 on their way or on trial" in sent.text
    answer(village, FIRST, "rolled_back", {"sentence": "the server was not heard within 600 seconds"})
    gone_back = pages.get("/admin/profiles/slow").text
    assert "1 tried, and gone back" in gone_back
    assert "the server was not heard within 600 seconds" in gone_back
    assert "Sent to devices: 2" in pages.post("/admin/profiles/slow/send", data={"who": "all"}).text
    for site in (FIRST, SECOND):
        answer(village, site, "done", {"revision": 2, "runs": 2})
    assert "2 runs with them" in pages.get("/admin/profiles/slow").text
    assert "There is nothing to send" in pages.get("/admin/profiles/slow/send").text


def test_what_was_typed_stays_and_each_mistake_is_said_at_its_input(pages: Client) -> None:
    form = {"id": "bad", "name": "Bad", "s.sample_seconds": "often", "s.broker.port": "70000", "s.log_level": "loud"}
    wrong = pages.post("/admin/profiles/new", data=form)
    assert wrong.status_code == 400
    assert 'value="often"' in wrong.text
    assert "This is not a number." in wrong.text
    form["s.sample_seconds"] = "20,5"
    wrong = pages.post("/admin/profiles/new", data=form)
    assert "expects at most 65535" in wrong.text
    assert 'id="e-s.broker.port"' in wrong.text
    assert 'value="20,5"' in wrong.text
    form |= {"s.broker.port": "8883", "s.log_level": "", "s.send_seconds": "10"}
    wrong = pages.post("/admin/profiles/new", data=form)
    assert "send at most as often as is sampled" in wrong.text.replace("&#39;", "'")
    form |= {"s.send_seconds": "", "s.snmp.targets": "[[routers]]\nhost = 1"}
    assert "not a list of tables in TOML" in pages.post("/admin/profiles/new", data=form).text


def test_of_two_who_edit_a_profile_the_second_is_told_and_keeps_what_they_typed(pages: Client) -> None:
    pages.post("/admin/profiles/new", data={"id": "one", "name": "One"})
    first = {"name": "One", "revision": "1", "s.sample_seconds": "30"}
    assert "Saved" in pages.post("/admin/profiles/one", data=first).text
    second = pages.post("/admin/profiles/one", data={**first, "s.sample_seconds": "40"})
    assert second.status_code == 409
    assert "changed meanwhile" in second.text
    assert 'value="40"' in second.text


def test_a_profile_goes_back_to_what_it_said_and_is_deleted_when_unused(pages: Client, village: Village) -> None:
    pages.post("/admin/profiles/new", data={"id": "one", "name": "One", "s.sample_seconds": "30"})
    pages.post("/admin/profiles/one", data={"name": "One", "revision": "1", "s.sample_seconds": "40"})
    assert "Nothing was sent yet" in pages.post("/admin/profiles/one/restore", data={"revision": "1"}).text
    with village.register.reading() as unit:
        stored = find_profile(unit, "one")
    assert stored is not None
    assert (stored.document, stored.revision) == ({"sample_seconds": 30}, 3)
    pages.post("/admin/profiles/one/sites", data={"site": FIRST, "action": "add"})
    assert "has 1 sites: give them another one first" in pages.post("/admin/profiles/one/delete").text
    pages.post("/admin/profiles/one/sites", data={"site": FIRST, "action": "end"})
    assert "The profile is gone" in pages.post("/admin/profiles/one/delete").text
    with village.register.reading() as unit:
        assert find_profile(unit, "one") is None
        deeds = {entry.action for entry in list_audit(unit)}
    assert {"profile_added", "profile_changed", "profile_assigned", "profile_deleted"} <= deeds


def test_sites_that_are_not_there_get_no_profile(pages: Client) -> None:
    pages.post("/admin/profiles/new", data={"id": "one", "name": "One"})
    wrong = pages.post("/admin/profiles/one/sites", data={"site": "nowhere", "action": "add"})
    assert wrong.status_code == 400
    assert "is not registered" in wrong.text
    assert ">nowhere</textarea>" in wrong.text
    assert "it is missing" in pages.post("/admin/profiles/one/sites", data={"site": " ", "action": "add"}).text


def test_a_copy_begins_with_the_others_settings(pages: Client) -> None:
    copied = pages.get("/admin/profiles/new?copy=frugal").text
    assert 'name="s.send_seconds" type="text" value="900"' in copied


def test_a_device_differs_from_its_profile_on_its_own_page(pages: Client, village: Village) -> None:
    address = f"/admin/sites/{FIRST}/devices/agent/settings"
    assert "profile: 900" not in pages.get(address).text
    saved = pages.post(address, data={"profile": "frugal", "revision": "0", "s.ping.packets": "5"})
    assert "Saved. Nothing was sent yet." in saved.text
    assert "profile: 900" in saved.text, "what the profile says is there where nothing is typed"
    with village.register.reading() as unit:
        assert profile_of(unit, FIRST) == "frugal"
    assert "What becomes of it shows here" in pages.post(f"{address}/send").text
    with village.register.reading() as unit:
        payload = commands_of(unit, FIRST)[0].payload
    assert payload["document"]["ping"] == {"packets": 5}
    assert payload["document"]["send_seconds"] == 900
    assert payload["document"]["page"]["site_name"], "the server adds what it knows"
    answer(village, FIRST, "done", {"revision": 1, "overruled": ["ALDEA_SEND_SECONDS wins"]})
    told = pages.get(address).text
    assert "It has confirmed revision 1" in told
    assert "ALDEA_SEND_SECONDS wins" in told
    assert "There is nothing to send" in pages.post(f"{address}/send").text
    on_the_device = pages.get(f"/admin/sites/{FIRST}/devices/agent").text
    assert address in on_the_device
    wrong = pages.post(address, data={"profile": "frugal", "revision": "1", "s.ping.packets": "1000"})
    assert wrong.status_code == 400
    assert 'value="1000"' in wrong.text
    assert pages.get("/admin/sites/nowhere/devices/agent/settings").status_code == 404


def test_the_api_does_the_same(pages: Client, village: Village) -> None:
    pages.headers["Accept"] = "application/json"
    made = pages.put("/api/v1/profiles/slow", json={"name": "Slow", "document": {"sample_seconds": 250}})
    assert (made.status_code, made.json()["revision"]) == (200, 1)
    wrong = pages.put("/api/v1/profiles/slow", json={"name": "Slow", "document": {"sample_second": 1}, "revision": 1})
    assert wrong.status_code == 400
    assert "did you mean sample_seconds?" in wrong.json()["detail"]
    never = pages.put("/api/v1/profiles/evil", json={"name": "x", "document": {"site": "other"}})
    assert "cannot be set from afar" in never.json()["detail"]
    stale = pages.put("/api/v1/profiles/slow", json={"name": "S", "document": {}, "revision": 7})
    assert stale.status_code == 409
    assert pages.post("/api/v1/profiles/slow/sites", json={"sites": [FIRST, SECOND]}).json() == {"changed": 2}
    seen = pages.get("/api/v1/profiles/slow/devices").json()["items"]
    assert [(item["site"], item["standing"]) for item in seen] == [(FIRST, "not_sent"), (SECOND, "not_sent")]
    assert "sample_seconds" in seen[0]["changes"]
    address = f"/api/v1/sites/{SECOND}/devices/agent/settings"
    changed = pages.put(address, json={"differences": {"sample_seconds": None, "dns": {"enabled": False}}})
    assert "sample_seconds" not in changed.json()["overlay"]
    assert pages.post("/api/v1/profiles/slow/send", json={}).json() == {"sent": 2, "left": 0}
    assert pages.post(f"{address}/send", json={}).json() == {"sent": 0, "left": 0}
    assert pages.get(address).json()["standing"] == "under_way"
    unknown = {"devices": [{"site": "nowhere", "device": "agent"}]}
    assert pages.post("/api/v1/profiles/slow/send", json=unknown).status_code == 404
    assert pages.delete("/api/v1/profiles/slow").status_code == 409
    listed = {item["key"]: item for item in pages.get("/api/v1/agent-settings").json()["items"]}
    assert listed["sample_seconds"]["default"] == 60
    assert [item["id"] for item in pages.get("/api/v1/profiles").json()["items"]] == ["default", "frugal", "slow"]


def test_who_manages_a_region_sets_its_devices_and_changes_no_profile(village: Village) -> None:
    with village.register.transaction() as unit:
        set_fact(unit, FIRST, "state_name", "Yucatán", NOW_MS - DAY)
        set_fact(unit, SECOND, "state_name", "Chiapas", NOW_MS - DAY)
    session = session_of(village.register, "regional", "", NOW_MS)

    with village.register.transaction() as unit:
        give_role(unit, Grant("regional", "operator", "", "Yucatán", NOW_MS - DAY, None))

    app = create_app(village.register, village.series, ManualClock(NOW_MS), ApiSettings(), agent_guide())
    server = serve(app, port=0)
    try:
        with Client(base_url=server.url, headers={"Cookie": f"{SESSION}={session}"}, timeout=60) as client:
            assert client.get(f"/api/v1/sites/{FIRST}/devices/agent/settings").status_code == 200
            assert client.get(f"/api/v1/sites/{SECOND}/devices/agent/settings").status_code == 404
            page = client.get("/admin/profiles/frugal", headers={"Accept-Language": "en"}).text
            assert "Only somebody who manages all sites can change a profile." in page
    finally:
        server.stop()


def test_a_person_with_a_phone_opens_a_table_types_and_sends(village: Village, browser: Browser) -> None:
    app = create_app(village.register, village.series, ManualClock(NOW_MS), DEMO, agent_guide())
    server = serve(app, port=0)
    page = browser.new_page(viewport={"width": 360, "height": 800}, locale="es")
    try:
        page.goto(f"{server.url}/admin/sites/{FIRST}/devices/agent/settings")
        page.get_by_text("[agent.ping]").click()
        page.locator('[name="s.ping.packets"]').fill("7")
        page.get_by_role("button", name="Guardar").click()
        assert "Guardado. Aún no se ha enviado nada." in page.content()
        assert page.locator('[name="s.ping.packets"]').is_visible(), "what is set is open"
        assert page.locator('[name="s.ping.packets"]').input_value() == "7"
        page.get_by_role("button", name="Enviarle sus ajustes").click()
        assert "en camino o a prueba" in page.content()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
    finally:
        page.close()
        server.stop()
    with village.register.reading() as unit:
        assert commands_of(unit, FIRST)[0].payload["document"]["ping"] == {"packets": 7}


def test_a_server_that_knows_nothing_of_agents_takes_nothing(village: Village) -> None:
    with forms_of(village, ManualClock(NOW_MS)) as client:
        answer = client.put("/api/v1/profiles/x", json={"name": "X", "document": {}})
    assert answer.status_code == 400
    assert "aldea api" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("/api/v1/profiles/x", '{"name": "x", "document": {"\\ud800": 1}}'),
        (f"/api/v1/sites/{FIRST}/devices/agent/settings", '{"revision": 0, "differences": {"\\ud800": 1}}'),
    ],
)
def test_half_a_character_in_a_key_is_refused_and_no_fault_of_the_server(pages: Client, place: str, body: str) -> None:
    answered = pages.put(place, content=body, headers={"Content-Type": "application/json"})
    assert (answered.status_code, "\N{REPLACEMENT CHARACTER} is not a setting" in answered.text) == (400, True)
