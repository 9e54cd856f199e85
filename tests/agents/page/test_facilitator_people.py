"""A roster of hundreds: pages of forty names, ticks that are never lost between them, and people as they were then."""

from __future__ import annotations

import re
from dataclasses import replace

from agentkit.facilitator import ATTENDANCE as FORM
from agentkit.facilitator import TODAY, Site, follow, offered, press, ticked
from aldea.agents.records import NewEntry, Person
from aldea.agents.records.roster import Draft

FIRST = f"{FORM}?way=ticks&draft=one-form"


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


def test_the_pages_of_a_long_record_with_many_versions_are_small_until_all_of_it_is_asked_for(crowded: Site) -> None:
    desk, codes = crowded.desk, [person.code for person in crowded.desk.roster.people()]
    form = {"activity": "Asamblea", "event_date": TODAY, "tick": codes[:280], "action": "store"}
    where = crowded.fill(f"{FORM}?way=ticks", form).headers["location"].partition("?")[0]
    desk.roster.put(tuple(replace(person, age_band="65+") for person in desk.roster.people()))
    (entry,) = desk.book.listed()
    for number in range(20):
        again = NewEntry("attendance", "2", TODAY, entry.payload, record=entry.record, reason=f"dato {number}")
        desk.book.enter(again)
    page = crowded.browser.get(f"{where}/correct")
    assert (len(page.body) < 15_000, page.text.count('name="now"')) == (True, 25)
    assert len(crowded.browser.get(where).body) < 15_000
    whole = crowded.browser.get(f"{where}?all=1").text
    assert whole.count("25-44") >= 280 * 21


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
    assert f"{code} · Mujer · 15-24" in page.text
    assert "como está ahora en la lista: Mujer · 25-44" in page.text
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


def test_the_first_page_and_the_lists_are_small_however_much_was_given_back(crowded: Site) -> None:
    told = {code: [f"{number}: {'á' * 580}" for number in range(20)] for code in ("es", "en")}
    for number in range(60):
        entry = crowded.desk.book.enter(
            NewEntry("attendance", "2", TODAY, {"activity": f"Taller {number} {'x' * 180}", "unkeyed": 1})
        )
        crowded.desk.book.returned(entry.record, 1, told)
        draft = [["activity", f"Taller {number} {'x' * 180}"], ["event_date", TODAY]]
        crowded.desk.roster.keep_draft(Draft(f"d{number}", "attendance", {"pairs": draft}))
    home = crowded.browser.get("/records")
    assert 'href="/records/list?returned=1">Y 45 más' in home.text
    given_back = crowded.browser.get("/records/list?returned=1")
    assert given_back.text.count("Y 19 más") == 20, "the rest is on each one's own page"
    for page in (home, given_back, crowded.browser.get("/records/list")):
        assert (page.status, len(page.body) < 15_000) == (200, True), len(page.body)


def test_who_has_left_since_the_paper_was_written_is_found_and_ticked(site: Site) -> None:
    stays, left = site.add("Ana Chan"), site.add("Petra Ek")
    assert "se le encuentra por nombre" not in site.browser.get(FORM).text
    site.desk.roster.put((Person(left, "Petra Ek", "F", "25-44", gone=True),))
    page = site.browser.get(f"{FORM}?way=ticks&draft=paper")
    assert (offered(page), "se le encuentra por nombre o clave" in page.text) == ([stays], True)
    found = press(site, page, "page:1", find="petra", activity="Taller", event_date="2025-09-14")
    assert (offered(found), "se fue" in found.text) == ([left], True)
    whole = press(site, found, "page:1", find="", tick=[left])
    assert (offered(whole), ticked(whole)) == ([stays, left], [left])
    press(site, whole, "store", event_date="2025-09-14")
    (entry,) = site.desk.book.listed()
    assert ([one["code"] for one in entry.payload["participants"]], entry.event_date) == ([left], "2025-09-14")
