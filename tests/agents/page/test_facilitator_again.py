"""Where a facilitator would stumble: forms gone back to, grids with mistakes, what nobody can correct, long rosters."""

from __future__ import annotations

import re

import pytest

from agentkit.facilitator import TODAY, Site
from aldea.agents.page.times import day_said
from aldea.agents.records import State

FORM = "/records/new/attendance"


def test_a_form_gone_back_to_and_changed_is_a_correction_and_not_lost(site: Site) -> None:
    hidden = site.hidden(FORM)
    first = {**hidden, "activity": "Taller", "event_date": TODAY, "unkeyed": "2", "action": "store"}
    assert site.browser.post_bare(FORM, first).status == 303
    changed = site.browser.post_bare(FORM, {**first, "unkeyed": "12"})
    assert (changed.status, "ya se había guardado" in changed.text) == (400, True)
    assert 'value="12"' in changed.text
    carried = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', changed.body.decode()))
    again = {**first, **carried, "unkeyed": "12", "reason": "faltaban diez"}
    assert site.browser.post_bare(FORM, again).status == 303
    (entry,) = site.desk.book.listed()
    assert (entry.version, entry.payload["unkeyed"]) == (2, 12)


def test_forms_not_finished_are_told_apart_and_what_came_back_is_not_called_delivered(site: Site) -> None:
    for activity in ("Lectura", "Costura"):
        assert site.fill(FORM, {"activity": activity, "event_date": "", "action": "store"}).status == 400
    site.fill(FORM, {"activity": "Taller", "event_date": TODAY, "unkeyed": "2", "action": "store"})
    (entry,) = site.desk.book.listed()
    site.desk.book.returned(entry.record, 1, {"es": ["Revísese."]})
    home = site.browser.get("/records").text
    assert "Lectura" in home
    assert "Costura" in home
    assert "se ha entregado" not in home, "the server has nothing of it"


def test_a_mistake_in_the_grid_is_said_by_sex_and_age_and_marked(site: Site) -> None:
    form = {"activity": "Taller", "event_date": TODAY, "n.F.15-24": "3", "n.M.65+": "doce", "action": "store"}
    page = site.fill(f"{FORM}?way=tally", form)
    assert "Hombre, 65+: «doce»" in page.text
    assert "Renglón" not in page.text
    assert re.search(r'class="wrong"><input name="n\.M\.65\+"', page.text)


def test_what_cannot_be_corrected_is_left_at_that_and_asked_for_no_more(site: Site) -> None:
    site.fill(FORM, {"activity": "Taller", "event_date": TODAY, "unkeyed": "2", "action": "store"})
    (entry,) = site.desk.book.listed()
    why = {"es": ["Ya se corrigió en el servidor."]}
    site.desk.book.returned(entry.record, 1, why)
    where = f"/records/one/{entry.record}"
    assert site.browser.post(f"{where}/lay-aside", {}, token_from=where).status == 303
    assert "Devueltos por el servidor" not in site.browser.get("/records").text
    assert "así se queda" in site.browser.get(where).text
    site.desk.book.returned(entry.record, 1, why)
    assert site.desk.book.listed()[0].state is State.LAID_ASIDE, "told twice"
    assert "lay-aside" not in site.browser.get(where).text


def test_many_given_back_and_mended_do_not_hide_a_new_one(site: Site) -> None:
    for number in range(51):
        form = {"activity": f"Taller {number}", "event_date": TODAY, "unkeyed": "2", "action": "store"}
        site.fill(FORM, form)
        entry = site.desk.book.listed(limit=1)[0]
        site.desk.book.returned(entry.record, 1, {"es": ["Revísese."]})
        if number < 50:
            site.desk.book.withdraw(entry.record, "no fue")
    home = site.browser.get("/records").text
    assert "Devueltos por el servidor" in home
    assert "Taller 50" in home


def test_a_long_roster_is_gone_through_by_letter_a_short_one_is_not(site: Site) -> None:
    site.desk.roster.add("Óscar Dzul", "M", "25-44")
    for path in ("/records/roster", f"{FORM}?way=ticks"):
        assert 'class="letters"' not in site.browser.get(path).text
    for number in range(300):
        site.desk.roster.add(f"{'ABCÁ'[number % 4]}na Canul {number}", "F", "25-44")
    places = [("1", "A"), ("4", "B"), ("6", "C"), ("8", "O")]
    roster, form = site.browser.get("/records/roster").text, site.browser.get(f"{FORM}?way=ticks").text
    assert re.findall(r'href="/records/roster\?page=(\d)[^"]*#l-\w">(\w)</a>', roster) == [
        ("1", "A"),
        ("4", "B"),
        ("6", "C"),
        ("8", "O"),
    ]
    assert re.findall(r'value="page:(\d)\.\w">(\w)</button>', form) == places
    last = site.browser.get("/records/roster?page=8").text
    assert ('id="l-O"' in last, "Óscar Dzul" in last) == (True, True)
    sent = {**site.hidden(f"{FORM}?way=ticks"), "action": "page:8.O"}
    assert site.browser.post_bare(FORM, sent).headers["location"].endswith("&page=8#l-O")


@pytest.mark.parametrize(
    "other", ["Ch'el Ek'", "Ch\u2019el Ek\u2019", "Ch\u02bcel Ek\u02bc", "Ch\ua78cel Ek\ua78c", "Chel Ek"]
)
def test_a_glottal_stop_is_the_same_however_a_phone_writes_it(site: Site, other: str) -> None:
    site.add("Ch'el Ek'")
    warned = site.browser.post("/records/roster", {"name": other, "sex": "F", "age_band": "65+"})
    assert (warned.status, "Ya hay alguien con este nombre" in warned.text) == (400, True)
    said = site.fill(FORM, {"activity": f"Plática de {other}", "event_date": TODAY, "unkeyed": "1", "action": "store"})
    assert (said.status, "nombre de alguien de la lista" in said.text) == (400, True)


def test_the_paper_says_sex_in_words_and_names_are_in_no_title(site: Site) -> None:
    code = site.add("Rosa Canul", "F")
    paper = site.browser.get("/records/print").text
    assert "<td>Mujer</td>" in paper, "M may be a woman or a man"
    for path in ("/records/print", "/records/roster", f"/records/roster/person/{code}", f"{FORM}?way=ticks"):
        page = site.browser.get(path)
        title = re.search(r"<title>(.*?)</title>", page.text)
        assert title is not None
        assert "Canul" not in title[1]
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2025-11-03", "3 nov 2025"),
        ("2025-01-31T06:30", "31 ene 2025, 06:30"),
        ("2025-13-01", "2025-13-01"),
        ("pronto", "pronto"),
        ("", ""),
    ],
)
def test_days_are_said_as_people_say_them(text: str, said: str) -> None:
    assert day_said(text, "es") == said


def test_a_power_cut_is_listed_with_its_hours_and_a_telephone_without_a_calendar_shows_how_to_type(site: Site) -> None:
    empty = site.browser.get("/records/new/power_note").text
    assert empty.count('placeholder="14/11/2025 06:30"') == 2
    for start, end in (("14/11/2025 06:00", "14/11/2025 9:30"), (f"{TODAY}T11:00", "")):
        assert site.fill("/records/new/power_note", {"from": start, "to": end}).status == 303
    home = site.browser.get("/records").text
    assert ("06:00 → 09:30" in home, "11:00 → …" in home, "14 nov 2025" in home) == (True, True, True)
    assert TODAY not in home


def test_all_that_is_missing_of_somebody_is_said_at_once(site: Site) -> None:
    told = site.browser.post("/records/roster", {"name": " "}).text
    assert (told.count('class="error"'), told.count("Elija uno") + told.count("Elija una")) == (3, 2)
