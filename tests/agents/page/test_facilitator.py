"""The facilitator's pages: what is ticked, counted, corrected and withdrawn; a roster whose names stay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agentkit.box import Browser, make_view
from agentkit.facilitator import NOW_MS, PIN, TODAY, Site
from agentkit.making import make_outbox
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page_settings import PageSettings, ProgrammeChoice
from aldea.agents.records import State, open_desk
from aldea.model.clock import ManualClock


def test_without_the_pin_nothing_is_shown_or_taken(site: Site) -> None:
    site.add("Rosa Canul")
    stranger = Browser(site.browser.site)
    for path in ("/records", "/records/list", "/records/new/attendance", "/records/roster", "/records/print"):
        page = stranger.get(path)
        assert (page.status, "Canul" in page.text) == (403, False), path
    assert stranger.post("/records/nothing-today", token_from="/pin").status == 403
    assert site.desk.book.listed() == ()


def test_ticks_become_codes_and_a_second_click_stores_nothing_more(site: Site) -> None:
    code = site.add("Rosa Canul")
    site.add("Juan Poot", "M", "65+")
    path = "/records/new/attendance?way=ticks"
    page = site.browser.get(path)
    assert "Rosa Canul" in page.text
    assert f'value="{TODAY}"' in page.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.body.decode()))
    form = {**hidden, "activity": "Taller", "event_date": TODAY, "tick": [code], "unkeyed": "2", "action": "store"}
    first = site.browser.post_bare("/records/new/attendance", form)
    again = site.browser.post_bare("/records/new/attendance", form)
    assert (first.status, first.headers["location"]) == (303, again.headers["location"])
    (entry,) = site.desk.book.listed()
    assert entry.payload == {
        "activity": "Taller",
        "participants": [{"code": code, "sex": "F", "age_band": "25-44"}],
        "unkeyed": 2,
    }
    assert entry.state is State.IN_OUTBOX
    shown = site.browser.get(first.headers["location"]).text
    assert "Rosa Canul" in shown
    assert "En camino al servidor" in shown


def test_people_are_counted_by_sex_and_age(site: Site) -> None:
    form = {"activity": "Asesoría", "event_date": TODAY, "n.F.15-24": "7", "n.M.65+": "1", "n.O.6-14": "0"}
    assert site.fill("/records/new/attendance?way=tally", {**form, "action": "store"}).status == 303
    (entry,) = site.desk.book.listed()
    assert entry.payload["tally"] == [
        {"sex": "F", "age_band": "15-24", "count": 7},
        {"sex": "M", "age_band": "65+", "count": 1},
    ]
    assert entry.payload["participants"] == []


GOOD: dict[str, dict[str, str]] = {
    "course_session": {"course": "CURP", "event_date": TODAY, "minutes": "90", "n.F.25-44": "4"},
    "service": {"event_date": TODAY, "services.0.kind": "banking", "services.0.travel_hours_avoided": "2,5"},
    "power_note": {"from": f"{TODAY}T06:00", "to": f"{TODAY}T08:15"},
    "project_use": {
        "project": "Miel",
        "event_date": TODAY,
        "sector": "livestock",
        "women_led": "yes",
        "used_last_30_days": "no",
    },
    "nothing": {"form": "service", "month": "2025-10"},
}


@pytest.mark.parametrize("form", GOOD)
def test_each_form_is_filled_in_stored_corrected_and_withdrawn(site: Site, form: str) -> None:
    stored = site.fill(f"/records/new/{form}", {**GOOD[form], "action": "store"})
    assert stored.status == 303, stored.text
    where = stored.headers["location"].partition("?")[0]
    (first,) = site.desk.book.listed()
    page = site.browser.get(f"{where}/correct")
    assert page.status == 200
    names = re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', page.body.decode())
    typed = {name: value for name, value in names if name not in {"csrf", "lang", "action"}}
    chosen = re.findall(r'<select[^>]*name="([^"]+)">(?:(?!</select>).)*?value="([^"]*)" selected', page.body.decode())
    again = {**typed, **dict(chosen), "reason": "dato", "action": "store", "csrf": page.csrf}
    assert site.browser.post_bare(f"/records/new/{form}", again).status == 303
    second = site.desk.book.newest(first.record)
    assert second is not None
    assert (second.version, second.payload) == (2, first.payload)
    refused = site.browser.post(f"{where}/withdraw", {"reason": " "}, token_from=where)
    assert (refused.status, "Diga en pocas palabras" in refused.text) == (400, True), refused.text
    assert site.browser.post(f"{where}/withdraw", {"reason": "prueba"}, token_from=where).status == 303
    assert [entry.withdrawn for entry in site.desk.book.versions(first.record)] == [False, False, True]


def test_what_is_wrong_is_said_and_what_was_typed_stays_also_for_another_day(site: Site) -> None:
    form = {"activity": "", "event_date": "2025-12-01", "n.F.15-24": "siete", "action": "store"}
    page = site.fill("/records/new/attendance?way=tally", form)
    assert page.status == 400
    for words in ("Actividad: falta", "aún no llega", "«siete» no es un número entero"):
        assert words in page.text, words
    assert 'value="siete"' in page.text
    assert site.desk.book.listed() == ()
    home = site.browser.get("/records")
    found = re.search(r"/records/new/attendance\?draft=[\w-]+", home.text)
    assert found is not None
    again = site.fill(found[0], {"activity": "Taller", "event_date": TODAY, "n.F.15-24": "7", "action": "store"})
    assert again.status == 303
    assert "draft=" not in site.browser.get("/records").text, "stored, so no draft any more"


def test_a_name_of_the_roster_in_a_text_is_refused(site: Site) -> None:
    site.add("Rosa Canul")
    form = {"activity": "Clase con Rosa Canul", "event_date": TODAY, "unkeyed": "3", "action": "store"}
    page = site.fill("/records/new/attendance", form)
    assert (page.status, "nombre de alguien de la lista" in page.text) == (400, True)
    assert site.desk.book.listed() == ()


def test_a_list_too_long_to_travel_says_to_split_it(site: Site) -> None:
    codes = [
        site.desk.roster.add(f"Nombre {number}", "F", "25-44", f"LARGA-CLAVE-{number:07}").code for number in range(300)
    ]
    form = {"activity": "Asamblea", "event_date": TODAY, "tick": codes, "action": "store"}
    page = site.fill("/records/new/attendance?way=ticks", form)
    assert (page.status, "en dos" in page.text) == (400, True), page.text[:3000]
    assert "Marcados en total: 300" in page.text, "all ticks are still there"


def test_nothing_happened_is_one_tap_and_stays_one(site: Site) -> None:
    for _ in range(2):
        assert site.browser.post("/records/nothing-today", token_from="/records").status == 303
    (entry,) = site.desk.book.listed()
    assert (entry.form, entry.event_date, entry.payload) == ("nothing_today", TODAY, {})


def test_rows_are_added_without_losing_what_was_typed(site: Site) -> None:
    page = site.fill("/records/new/service", {"services.0.travel_hours_avoided": "3", "action": "rows"})
    assert page.status == 200
    assert 'name="services.4.kind"' in page.text
    assert 'name="services.0.travel_hours_avoided" value="3"' in page.text


def test_the_roster_warns_of_doubles_gives_codes_and_never_gives_one_twice(site: Site) -> None:
    first = site.add("José Ek")
    warned = site.browser.post("/records/roster", {"name": "EK JOSE", "sex": "M", "age_band": "65+"})
    assert (warned.status, first in warned.text, 'value="EK JOSE"' in warned.text) == (400, True, True)
    second = site.add("EK JOSE", "M", "65+", sure="yes")
    assert second != first
    path = f"/records/roster/person/{second}"
    sent = {"name": "José Ek Chan", "sex": "M", "age_band": "65+", "gone": "yes"}
    assert site.browser.post(path, sent).status == 303
    assert "Ek Chan" not in site.browser.get("/records/new/attendance").text
    assert site.add("Nueva Persona") not in {first, second}
    taken = site.browser.post("/records/roster", {"name": "X", "sex": "F", "age_band": "65+", "code": first.lower()})
    assert (taken.status, "Otra persona tiene esta clave" in taken.text) == (400, True)
    for field, wrong in (("name", ""), ("sex", "x"), ("age_band", ""), ("code", "Ñ 1")):
        answer = site.browser.post("/records/roster", {"name": "Y Z", "sex": "F", "age_band": "65+", field: wrong})
        assert (answer.status, 'class="error"' in answer.text) == (400, True), field


def test_the_list_to_print_has_the_roster_or_is_empty(site: Site) -> None:
    site.add("Rosa Canul")
    assert "Rosa Canul" in site.browser.get("/records/print").text
    assert "Rosa Canul" not in site.browser.get("/records/print?empty=1").text


def test_what_the_server_gave_back_stands_first_with_its_sentence(site: Site) -> None:
    site.fill("/records/new/power_note", {**GOOD["power_note"], "action": "store"})
    (entry,) = site.desk.book.listed()
    site.desk.book.returned(
        entry.record, 1, {"es": ["Se fue la luz: corríjase."], "en": ["Power went off: correct it."]}
    )
    home = site.browser.get("/records").text
    assert "Se fue la luz: corríjase." in home
    assert home.index("corríjase") < home.index("Hoy no hubo nada")
    assert "Power went off: correct it." in site.browser.get(f"/records/one/{entry.record}?lang=en").text


def test_an_unknown_form_or_record_is_not_found(site: Site) -> None:
    for path in ("/records/new/none", f"/records/one/{'0' * 32}", f"/records/one/{'0' * 32}/correct"):
        assert site.browser.get(path).status == 404, path
    assert site.browser.get("/records/roster/person/K-1").status == 404


def test_with_several_programmes_one_is_chosen(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    outbox = make_outbox(tmp_path)
    desk = open_desk(tmp_path, outbox, clock, lambda: None)
    programmes = (ProgrammeChoice(id="sur", name="Sur"), ProgrammeChoice(id="norte", name="Norte"))
    page = PageSettings(enabled=True, timezone="America/Merida", programmes=programmes)
    browser = Browser(build_site(make_view(tmp_path, clock, page, records=desk, known_ms=clock.wall_ms)))
    PinStore(tmp_path, None).set(PIN)
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    site = Site(browser, desk, outbox)
    site.fill("/records/new/power_note", {**GOOD["power_note"], "programme": "norte", "action": "store"})
    assert desk.book.listed()[0].programme == "norte"
    desk.close()
    outbox.close()


@pytest.mark.parametrize(
    ("day", "said"),
    [("2025-05-31", "antes del inicio (1 jun 2025)"), ("2025-10-01", "después del fin del programa (30 sep 2025)")],
)
def test_a_day_outside_the_programme_chosen_is_said_where_it_is_typed(tmp_path: Path, day: str, said: str) -> None:
    clock = ManualClock(NOW_MS)
    outbox = make_outbox(tmp_path)
    desk = open_desk(tmp_path, outbox, clock, lambda: None)
    desk.programmes.take([{"id": "sur", "starts_on": "2025-06-01", "ends_on": "2025-09-30"}])
    programmes = (ProgrammeChoice(id="sur", name="Sur"), ProgrammeChoice(id="norte", name="Norte"))
    page = PageSettings(enabled=True, timezone="America/Merida", programmes=programmes)
    browser = Browser(build_site(make_view(tmp_path, clock, page, records=desk, known_ms=clock.wall_ms)))
    PinStore(tmp_path, None).set(PIN)
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    site = Site(browser, desk, outbox)
    form = {"from": f"{day}T06:00", "programme": "sur", "action": "store"}
    refused = site.fill("/records/new/power_note", form)
    assert (refused.status, said in refused.text) == (400, True), refused.text
    for programme in ("norte", ""):
        assert site.fill("/records/new/power_note", {**form, "programme": programme}).status == 303
    assert site.fill("/records/new/power_note", {**form, "from": "2025-09-30T06:00"}).status == 303
    desk.close()
    outbox.close()


def test_while_the_time_is_not_known_any_day_is_taken(tmp_path: Path) -> None:
    clock = ManualClock(0)
    outbox = make_outbox(tmp_path)
    desk = open_desk(tmp_path, outbox, clock, lambda: None)
    browser = Browser(build_site(make_view(tmp_path, clock, records=desk)))
    PinStore(tmp_path, None).set(PIN)
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    site = Site(browser, desk, outbox)
    nothing = browser.post("/records/nothing-today", token_from="/records")
    assert nothing.headers["location"] == "/records/new/nothing_today", "the day has to be said"
    site.fill("/records/new/power_note", {**GOOD["power_note"], "action": "store"})
    (entry,) = desk.book.listed()
    assert (entry.event_date, entry.made_ms) == (TODAY, None)
    desk.close()
    outbox.close()


def test_where_records_cannot_be_kept_the_page_says_so(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    browser = Browser(build_site(make_view(tmp_path, clock)))
    PinStore(tmp_path, None).set(PIN)
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    assert "papel" in browser.get("/records").text
