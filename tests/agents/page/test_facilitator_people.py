"""A roster of hundreds: pages of forty names, ticks that are never lost between them, and people as they were then."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit.box import Answer, Browser, make_view
from agentkit.facilitator import NOW_MS, PIN, TODAY, Site
from agentkit.making import make_outbox
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page_settings import PageSettings
from aldea.agents.records import Person, open_desk
from aldea.agents.records.roster import DRAFT_DAYS, Draft
from aldea.model.clock import ManualClock

FORM = "/records/new/attendance"
FIRST = f"{FORM}?way=ticks&draft=one-form"
DAY_MS = 86_400_000


@pytest.fixture
def crowded(site: Site) -> Site:
    """A box whose roster has three hundred people with long names, of eight letters."""
    names = [f"{'ABCÁEFGH'[number % 8]}na María de los Ángeles Canul Tzuc {number:03}" for number in range(300)]
    people = [Person(f"K-{number:03}", name, "F", "25-44") for number, name in enumerate(names)]
    site.desk.roster.put(tuple(people))
    return site


def offered(page: Answer) -> list[str]:
    """Return the codes that can be ticked on a page."""
    return re.findall(r'name="tick" value="([^"|]+)', page.text)


def ticked(page: Answer) -> list[str]:
    return re.findall(r'name="tick" value="([^"|]+)[^"]*" checked', page.text)


def press(site: Site, page: Answer, action: str, **more: str | list[str]) -> Answer:
    """Press a button of a form as a browser does: with all that stands in it, and the ticks that were there."""
    typed = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', page.body.decode()))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.body.decode()))
    ticks = re.findall(r'name="tick" value="([^"]+)" checked', page.body.decode())
    sent = {**typed, **hidden, "event_date": TODAY, "tick": ticks, "action": action, **more}
    sent.pop("now", None)
    answer = site.browser.post_bare(FORM, {**sent, **{key: value for key, value in more.items() if key == "now"}})
    return follow(site, answer)


def follow(site: Site, answer: Answer) -> Answer:
    if answer.status != 303:
        return answer
    return site.browser.get(answer.headers["location"].partition("#")[0])


def test_every_page_of_a_long_roster_is_small_and_all_together_have_everybody_once(crowded: Site) -> None:
    page, seen = crowded.browser.get(FIRST), list[str]()
    for number in range(1, 9):
        assert len(page.body) < 15_000, "forty long names"
        assert "<script" not in page.text
        seen += offered(page)
        page = press(crowded, page, f"page:{number + 1}")
    assert sorted(seen) == [f"K-{number:03}" for number in range(300)]
    for path in ("/records/roster", "/records/roster?page=8", "/records/roster?page=999"):
        assert len(crowded.browser.get(path).body) < 15_000


def test_ticks_of_all_pages_are_counted_though_only_one_is_shown(crowded: Site) -> None:
    page = crowded.browser.get(FIRST)
    page = press(crowded, page, "page:5", activity="Asamblea", tick=["K-000", "K-008"])
    assert "Marcados en total: 2" in page.text
    page = press(crowded, page, "page:8", tick=offered(page)[:3])
    back = press(crowded, page, "page:1", tick=offered(page)[-1:])
    assert (ticked(back), 'value="Asamblea"' in back.text) == (["K-000", "K-008"], True)
    stored = press(crowded, back, "store", tick=["K-008"])
    assert "Guardado aquí" in stored.text
    (entry,) = crowded.desk.book.listed()
    codes = [person["code"] for person in entry.payload["participants"]]
    assert len(codes) == 5, "K-000 was taken out on the page that shows it; nobody else was"
    assert ("K-008" in codes, "K-000" in codes) == (True, False)
    assert crowded.desk.roster.drafts() == ()


def test_what_was_ticked_survives_a_power_cut_between_two_pages(crowded: Site, tmp_path: Path) -> None:
    page = crowded.browser.get(FIRST)
    press(crowded, page, "page:2", activity="Asamblea", tick=["K-000"])
    crowded.desk.close()
    clock = ManualClock(NOW_MS)
    outbox = make_outbox(tmp_path / "another")
    desk = open_desk(tmp_path, outbox, clock, lambda: None)
    view = make_view(tmp_path, clock, PageSettings(enabled=True), records=desk, known_ms=clock.wall_ms)
    browser = Browser(build_site(view))
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    after = Site(browser, desk, outbox)
    again = browser.get("/records")
    assert "one-form" in again.text, "it stands under what is not finished"
    stored = press(after, browser.get(f"{FORM}?draft=one-form&page=2"), "store")
    assert "Guardado aquí" in stored.text
    assert [person["code"] for person in desk.book.listed()[0].payload["participants"]] == ["K-000"]
    desk.close()
    outbox.close()


def test_a_double_tap_stores_once_with_the_ticks_of_every_page(crowded: Site) -> None:
    page = press(crowded, crowded.browser.get(FIRST), "page:2", activity="Asamblea", tick=["K-000"])
    shown = offered(page)[:1]
    first, second = (press(crowded, page, "store", tick=shown) for _ in range(2))
    assert ("Guardado aquí" in first.text, "Guardado aquí" in second.text) == (True, True)
    (entry,) = crowded.desk.book.listed()
    assert {person["code"] for person in entry.payload["participants"]} == {"K-000", *shown}
    back = follow(crowded, crowded.browser.get(FIRST))
    assert "ya se había guardado" in back.text
    assert entry.record in back.text, "gone back to, the form shows what it stored"


def test_a_stored_form_that_is_turned_to_another_page_becomes_a_correction(crowded: Site) -> None:
    page = crowded.browser.get(FIRST)
    press(crowded, page, "store", activity="Asamblea", tick=["K-000"])
    turned = press(crowded, page, "page:2", activity="Asamblea", tick=["K-000", "K-008"])
    assert "Marcados en total: 2" in turned.text
    stored = press(crowded, turned, "store", reason="faltaba una")
    assert "versión 2" in stored.text
    assert len(crowded.desk.book.listed()[0].payload["participants"]) == 2


def test_people_are_found_by_part_of_a_name_or_code_and_no_address_holds_it(crowded: Site) -> None:
    crowded.desk.roster.add("Óscar Poot", "M", "65+", "Z-9")
    page = press(crowded, crowded.browser.get(FIRST), "page:1", activity="Asamblea", tick=["K-000"], find="poot osc")
    assert (offered(page), "Marcados en total: 1" in page.text) == (["Z-9"], True)
    assert "Asamblea" in page.text
    assert offered(press(crowded, page, "page:1", find="z-9")) == ["Z-9"]
    crowded.desk.roster.add("Ch'el Ek'", "M", "65+", "Y-1")
    assert offered(press(crowded, page, "page:1", find="Ch\u2019el")) == ["Y-1"]
    nobody = press(crowded, page, "page:1", find="nadie")
    assert "No se encontró" in nobody.text
    stored = press(crowded, press(crowded, nobody, "page:1", find="", tick=[]), "store")
    assert "Guardado aquí" in stored.text
    assert len(crowded.desk.book.listed()[0].payload["participants"]) == 1
    found = crowded.browser.post("/records/roster/find", {"find": "OSCAR"}, token_from="/records/roster")
    assert ("Óscar Poot" in found.text, "Canul" in found.text) == (True, False)
    assert "scar" not in str(found.headers)


def test_a_session_that_has_ended_in_the_middle_of_a_form_costs_nothing(crowded: Site, tmp_path: Path) -> None:
    page = press(crowded, crowded.browser.get(FIRST), "page:2", activity="Asamblea", tick=["K-000"])
    PinStore(tmp_path, None).set("8642")  # which ends every session
    asked = press(crowded, page, "page:3", tick=offered(page)[:2])
    assert (asked.status, "se conserva" in asked.text) == (403, True)
    carried = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.body.decode())
    sent: dict[str, str | list[str]] = {name: value for name, value in carried if name != "tick"}
    sent["tick"] = [value for name, value in carried if name == "tick"]
    going_on = crowded.browser.post_bare("/pin", {**sent, "pin": "8642"})
    assert "Enviarlo" in going_on.text
    again = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', going_on.body.decode())
    last: dict[str, str | list[str]] = {name: value for name, value in again if name != "tick"}
    last["tick"] = [value for name, value in again if name == "tick"]
    assert "Marcados en total: 3" in follow(crowded, crowded.browser.post_bare(FORM, last)).text


def test_a_form_of_an_earlier_sign_in_is_shown_again_with_all_that_was_typed(site: Site) -> None:
    form = {
        **site.hidden(FIRST),
        "activity": "Taller de bordado",
        "event_date": TODAY,
        "unkeyed": "3",
        "action": "store",
    }
    path = "/pin/out"
    site.browser.post(path, {}, token_from="/records")
    site.browser.post("/pin", {"pin": PIN, "then": "/records"})
    foreign = site.browser.post_bare(FORM, form)
    assert (foreign.status, "bordado" in foreign.text) == (403, False), "who sent it is not known"
    elsewhere = site.browser.post_bare(FORM, form, Origin="http://example.org")
    assert (elsewhere.status, "bordado" in elsewhere.text) == (403, False)
    shown = site.browser.post_bare(FORM, form, Origin=f"http://{site.browser.host}")
    assert (shown.status, "Taller de bordado" in shown.text) == (403, True)
    assert site.desk.book.listed() == (), "nothing is stored unseen"
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.body.decode()))
    assert site.browser.post_bare(FORM, again).status == 303
    assert site.desk.book.listed()[0].payload["unkeyed"] == 3


def test_a_form_of_very_many_rows_is_carried_through_the_pin_whole(site: Site, tmp_path: Path) -> None:
    rows = {f"services.{number}.travel_hours_avoided": "2" for number in range(290)}
    more = {f"services.{number}.kind": "banking" for number in range(290)}
    hidden = site.hidden("/records/new/service")
    PinStore(tmp_path, None).set("8642")
    sent = {**hidden, **rows, **more, "event_date": TODAY, "action": "store"}
    asked = site.browser.post_bare("/records/new/service", sent)
    assert asked.status == 403
    for name in (*rows, *more):
        assert f'name="{name}"' in asked.text, name


def test_two_who_correct_one_record_are_told_and_neither_types_it_again(site: Site) -> None:
    form = {"activity": "Taller", "event_date": TODAY, "unkeyed": "2", "action": "store"}
    where = site.fill(FORM, form).headers["location"].partition("?")[0]
    one, other = (site.browser.get(f"{where}/correct") for _ in range(2))
    assert "versión 2" in press(site, one, "store", unkeyed="3", reason="faltaba una").text
    told = press(site, other, "store", unkeyed="4", reason="faltaban dos")
    assert (told.status, "Alguien cambió este registro" in told.text) == (400, True)
    assert (f'href="{where}"' in told.text, 'value="4"' in told.text) == (True, True)
    assert "versión 3" in press(site, told, "store").text
    assert [entry.payload["unkeyed"] for entry in site.desk.book.versions(where.rpartition("/")[2])] == [2, 3, 4]
    assert site.desk.roster.drafts() == ()


def test_two_who_fill_in_at_once_do_not_touch_each_other(crowded: Site) -> None:
    one, other = (crowded.browser.get(f"{FORM}?way=ticks&draft={name}") for name in ("one", "other"))
    one = press(crowded, one, "page:2", activity="Lectura", tick=["K-000"])
    other = press(crowded, other, "page:2", activity="Costura", tick=["K-008"])
    for page in (one, other):
        assert "Guardado aquí" in press(crowded, page, "store").text
    said = {entry.payload["activity"]: entry.payload["participants"][0]["code"] for entry in crowded.desk.book.listed()}
    assert said == {"Lectura": "K-000", "Costura": "K-008"}


def test_a_correction_keeps_people_as_they_were_unless_it_is_asked_otherwise(site: Site) -> None:
    code, other = site.add("Rosa Canul", band="15-24"), site.add("Ana Poot", band="6-14")
    form = {"activity": "Taller", "event_date": TODAY, "tick": [code, other], "action": "store"}
    where = site.fill(f"{FORM}?way=ticks", form).headers["location"].partition("?")[0]
    for name in (code, other):
        person = site.desk.roster.find(name)
        assert person is not None
        site.desk.roster.change(replace(person, age_band="25-44"))
    page = site.browser.get(f"{where}/correct")
    assert "15-24" in page.text
    corrected = press(site, page, "store", activity="Taller de bordado", reason="el nombre")
    assert "versión 2" in corrected.text
    bands = {one["code"]: one["age_band"] for one in site.desk.book.listed()[0].payload["participants"]}
    assert bands == {code: "15-24", other: "6-14"}
    page = site.browser.get(f"{where}/correct")
    turned = press(site, page, "page:1", now=code)
    assert turned.text.count('name="now"') == 2
    assert re.search(rf'name="now" value="{code}" checked', turned.text), "what was chosen is kept"
    press(site, page, "store", reason="ya era mayor", now=code)
    bands = {one["code"]: one["age_band"] for one in site.desk.book.listed()[0].payload["participants"]}
    assert bands == {code: "25-44", other: "6-14"}


def test_who_is_added_in_the_middle_of_a_form_does_not_cost_the_form(site: Site) -> None:
    page = site.browser.get(FIRST)
    roster = press(site, page, "roster", activity="Taller de bordado")
    assert "Continuar: Asistencia" in roster.text
    sent = {"name": "Rosa Canul", "sex": "F", "age_band": "65+", "back": "one-form"}
    added = follow(site, site.browser.post("/records/roster", sent))
    assert "draft=one-form" in added.text
    again = site.browser.get(f"{FORM}?draft=one-form")
    assert ("Taller de bordado" in again.text, "Rosa Canul" in again.text) == (True, True)


def test_a_form_that_is_left_is_kept_where_something_was_typed_and_thrown_away_when_asked_twice(
    site: Site,
) -> None:
    left = press(site, site.browser.get(FIRST), "leave", activity="")
    assert (site.desk.roster.drafts(), "Sin terminar" in left.text) == ((), False)
    left = press(site, site.browser.get(FIRST), "leave", activity="Taller de bordado")
    assert "Taller de bordado" in left.text
    asked = site.browser.post("/records/drop-draft", {"token": "one-form"}, token_from="/records")
    assert (asked.status, "se pierde" in asked.text) == (200, True)
    assert len(site.desk.roster.drafts()) == 1
    sure = {"token": "one-form", "sure": "yes"}
    assert site.browser.post("/records/drop-draft", sure, token_from="/records").status == 303
    assert site.desk.roster.drafts() == ()


def test_a_correction_that_changes_nothing_leaves_nothing_behind(site: Site) -> None:
    form = {"activity": "Taller", "event_date": TODAY, "unkeyed": "2", "action": "store"}
    where = site.fill(FORM, form).headers["location"].partition("?")[0]
    press(site, site.browser.get(f"{where}/correct"), "leave")
    assert site.desk.roster.drafts() == ()
    press(site, site.browser.get(f"{where}/correct"), "leave", unkeyed="3")
    assert len(site.desk.roster.drafts()) == 1


def test_drafts_that_nobody_comes_back_to_are_forgotten(site: Site) -> None:
    roster = site.desk.roster
    for token, kept_ms in (("old", NOW_MS), ("unknown", None), ("ahead", NOW_MS + 900 * DAY_MS)):
        roster.keep_draft(Draft(token, "attendance", {"pairs": [["activity", token]]}), kept_ms)
    assert roster.forget_drafts(NOW_MS + DAY_MS) == 0
    assert roster.forget_drafts(NOW_MS + (DRAFT_DAYS + 1) * DAY_MS - 1) == 1
    assert {draft.token for draft in roster.drafts()} == {"unknown", "ahead"}
    assert roster.forget_drafts(NOW_MS + (DRAFT_DAYS + 2) * DAY_MS) == 2
    assert roster.drafts() == ()


def test_a_box_without_a_zone_says_by_which_clock_its_days_are(tmp_path: Path, site: Site) -> None:
    clock = ManualClock(NOW_MS)
    view = make_view(tmp_path, clock, PageSettings(enabled=True), records=site.desk, known_ms=clock.wall_ms)
    browser = Browser(build_site(view))
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    for path in (FORM, "/records/new/power_note", "/records/new/nothing"):
        assert "no tiene zona horaria" in browser.get(path).text, path
        assert "no tiene zona horaria" not in site.browser.get(path).text, path
