"""Pages about settings and commands: a way back, a setting taken out, many at once, and refusals in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aldea.agents.overlay.checking import agent_guide
from aldea.dashboard_api import settings_sending
from aldea.model.clock import ManualClock
from aldea.storage.register.commands import commands_of
from aldea.storage.register.device_overlays import device_settings_of
from aldea.storage.register.devices import find_device
from aldea.storage.register.profiles import profile_of
from aldea.storage.register.returned_documents import ReturnedDocument, return_document
from dashboard_api.forms import forms_of
from dashboard_api.village import NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from httpx import Client

FIRST, SECOND = "poblado-01", "poblado-02"
DEVICE = f"/admin/sites/{FIRST}/devices/agent"
SETTINGS = f"{DEVICE}/settings"
SPANISH = {"lang": "es"}
TARGETS = "[[targets]]\n"


@pytest.fixture
def village(empty: Village) -> Village:
    """Two real sites with an agent each, and a simulated one."""
    empty.add_sites(2, simulated=False, prefix="poblado")
    empty.add_sites(1)
    return empty


@pytest.fixture
def pages(village: Village) -> Iterator[Client]:
    with forms_of(village, ManualClock(NOW_MS), guide=agent_guide()) as client:
        yield client


def differences(village: Village) -> Mapping[str, Any]:
    with village.register.reading() as unit:
        return device_settings_of(unit, FIRST, "agent", (), NOW_MS).differences


def test_a_setting_of_the_profile_is_taken_out_by_a_word_and_put_back_by_none(pages: Client, village: Village) -> None:
    pages.post(SETTINGS, data={"profile": "frugal", "revision": "0"})
    assert "null: the machine&#39;s own instead" in pages.get(SETTINGS).text
    saved = pages.post(SETTINGS, data={"profile": "frugal", "revision": "0", "s.send_seconds": "null"})
    assert "Saved." in saved.text
    assert differences(village) == {"send_seconds": None}
    assert 'value="null"' in saved.text
    pages.post(SETTINGS, data={"profile": "frugal", "revision": "1"})
    assert differences(village) == {}


def test_a_device_goes_back_to_how_it_differed(pages: Client, village: Village) -> None:
    for revision, packets in enumerate(("5", "7")):
        pages.post(SETTINGS, data={"revision": str(revision), "s.ping.packets": packets})
    assert "How it differed before" in pages.get(SETTINGS).text
    back = pages.post(f"{SETTINGS}/restore", data={"revision": "1"})
    assert "It differs again as it did then" in back.text
    assert differences(village) == {"ping": {"packets": 5}}
    assert pages.post(f"{SETTINGS}/restore", data={"revision": "99"}).status_code == 404


def test_a_profile_and_differences_are_saved_together_or_not_at_all(pages: Client, village: Village) -> None:
    pages.post(SETTINGS, data={"revision": "0", "s.ping.packets": "5"})
    stale = pages.post(SETTINGS, data={"profile": "frugal", "revision": "0", "s.ping.packets": "7"})
    assert stale.status_code == 409
    with village.register.reading() as unit:
        assert profile_of(unit, FIRST) is None
    assert differences(village) == {"ping": {"packets": 5}}


def test_many_devices_are_sent_to_in_parts_and_the_rest_is_told(
    pages: Client, village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_sending, "MOST_SENT", 1)
    pages.post("/admin/profiles/frugal/sites", data={"site": f"{FIRST} {SECOND}", "action": "add"})
    told = pages.post("/admin/profiles/frugal/send", data={"who": "all"}).text
    assert "Sent to devices: 1" in told
    assert "1 more are still to be sent to: send again." in told
    assert pages.post("/api/v1/profiles/frugal/send", json={}).json() == {"sent": 1, "left": 0}
    with village.register.reading() as unit:
        assert [len(commands_of(unit, site)) for site in (FIRST, SECOND)] == [1, 1]


def test_settings_that_no_agent_knows_for_their_depth_are_refused_with_a_sentence(pages: Client) -> None:
    document: dict[str, Any] = {}
    for _ in range(400):
        document = {"ping": document}
    pages.headers["Accept"] = "application/json"
    for method, address, body in (
        ("PUT", "/api/v1/profiles/deep", {"name": "Deep", "document": document}),
        ("PUT", f"/api/v1/sites/{FIRST}/devices/agent/settings", {"differences": document}),
    ):
        answer = pages.request(method, address, json=body)
        assert answer.status_code == 400, answer.text[:200]
        assert "tables within tables" in answer.json()["detail"]


def test_refusals_are_said_in_the_readers_language(pages: Client, village: Village) -> None:
    simulated = "/admin/sites/sitio-01/devices/agent/commands"
    assert "is simulated: there is no box to command" in pages.post(simulated, data={"kind": "diagnostics"}).text
    pages.headers["Accept-Language"] = "es"
    said = [
        (pages.post(simulated, data={"kind": "diagnostics"}), "no hay equipo al cual pedirle algo"),
        (pages.post(f"{DEVICE}/commands", data={"kind": "test", "probe": "dance"}), "las que hay son ping"),
        (pages.post(f"{DEVICE}/commands", data={"kind": "upgrade"}), "se puede pedir test o diagnostics"),
        (pages.post(SETTINGS, data={"revision": "7"}), "Alguien cambió mientras tanto los ajustes"),
        (pages.post(SETTINGS, data={"revision": "0", "s.trial_seconds": "5"}), "por satélite hace falta ese tiempo"),
        (pages.post(SETTINGS, data={"revision": "0", "s.broker.port": "70000"}), "se espera como máximo 65535"),
        (pages.post(SETTINGS, data={"revision": "0", "s.http.targets": TARGETS}), "falta y no tiene valor de fábrica"),
        (pages.post(SETTINGS, data={"revision": "0", "s.http.targets": f"{TARGETS}urls=1"}), "¿quizá url?"),
        (pages.post(SETTINGS, data={"revision": "0", "s.page.pin_hash": "1234"}), "lo que imprime `aldea agent pin"),
        (pages.post(SETTINGS, data={"revision": "0", "s.broker.ca_file": "a.pem"}), "tiene ca_file y tls es false"),
        (pages.post(SETTINGS, data={"revision": "0", "s.send_seconds": "5"}), "más seguido de lo que se mide"),
        (pages.post("/admin/profiles/frugal/sites", data={"site": "nowhere"}), "no está registrado"),
        (pages.post("/admin/profiles/new", data={"id": "frugal", "name": "x"}), "ya existe"),
        (pages.post("/admin/profiles/new", data={"id": "Bad Id", "name": "x"}), "sin empezar con -"),
        (pages.post("/admin/commands", data={"where": "these", "what": "diagnostics"}), "hay que escribir la clave"),
    ]
    for answer, words in said:
        assert words in answer.text, words
    pages.post(f"{DEVICE}/commands", data={"kind": "diagnostics"})
    with village.register.reading() as unit:
        newest = commands_of(unit, FIRST)[0].id
        assert find_device(unit, FIRST, "agent") is not None
    for words in ("Cancelad", "ya no se puede cancelar: terminó"):
        assert words in pages.post(f"{DEVICE}/commands/{newest}/cancel").text


def test_what_could_not_be_taken_is_on_the_page_of_its_box_alone(pages: Client, village: Village) -> None:
    row = ReturnedDocument(
        FIRST, "agent", "e" * 16, 7, "record", {"x": "<b>"}, "ValueError: <b>no such form</b>", NOW_MS
    )
    coded = replace(row, seq=8, reason="unreadable: EnvelopeError: a record's version is 1 to 10000")
    with village.register.transaction() as unit:
        return_document(unit, row)
        return_document(unit, coded)
    shown = pages.get(DEVICE).text
    assert "What could not be taken" in shown
    assert "ValueError: &lt;b&gt;no such form" in shown, "kept before reasons had a word"
    assert "It is not written as its kind of row is." in shown
    assert "No está escrito como los de su clase." in pages.get(DEVICE, params=SPANISH).text
    assert "Lo que no se pudo recibir" in pages.get(DEVICE, params=SPANISH).text
    assert "What could not be taken" not in pages.get(f"/admin/sites/{SECOND}/devices/agent").text


def test_the_sites_that_are_written_down_are_asked_and_no_other(pages: Client, village: Village) -> None:
    wrong = pages.post("/admin/commands", data={"where": "these", "what": "diagnostics", "sites": f"{FIRST} sitio-01"})
    assert wrong.status_code == 400
    assert "with the id sitio-01" in wrong.text
    assert f"{FIRST} sitio-01</textarea>" in wrong.text, "what was typed stays"
    told = pages.post("/admin/commands", data={"where": "these", "what": "diagnostics", "sites": f" {SECOND}\n"}).text
    assert "Asked of 1 boxes" in told
    with village.register.reading() as unit:
        assert [len(commands_of(unit, site)) for site in (FIRST, SECOND)] == [0, 1]
