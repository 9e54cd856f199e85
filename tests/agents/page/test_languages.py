"""Another language in the middle of a form: the same page with all that was typed, and nothing done with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentkit.box import Answer, Browser, Idle, make_view, served
from agentkit.facilitator import ATTENDANCE, PIN, TODAY, Site, facilitator, offered, press, ticked, view_of
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.records import Roster
from aldea.model.clock import ManualClock
from rigs.chromium import running_chromium

YESTERDAY = "2025-11-13"


def switched(browser: Browser, page: Answer, code: str = "en", **typed: str | list[str]) -> Answer:
    """Press a language in the head of a page, as a browser does: with all that stands in its form."""
    html = page.body.decode()
    assert re.search(rf'<button form="typed" formnovalidate name="lang" value="{code}"', html) is not None, html[:1500]
    assert "hreflang" not in html, "no other way there, which would lose what was typed"
    form = html.partition('<form id="typed"')[2].partition("</form>")[0]
    action = re.search(r'action="([^"]+)"', form)
    assert action is not None
    held = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return browser.post_bare(action[1], {**held, **typed, "lang": code})


def value(page: Answer, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}"[^>]*? value="([^"]*)"', page.body.decode())
    return "" if found is None else found[1]


def test_a_form_changes_its_language_with_all_that_was_typed(crowded: Site) -> None:
    page = press(
        crowded, crowded.browser.get(f"{ATTENDANCE}?way=both&draft=one"), "page:3", activity="", tick=["K-000"]
    )
    theirs = offered(page)[:2]
    english = switched(
        crowded.browser, page, event_date=YESTERDAY, activity="Taller de bordado", unkeyed="x", tick=theirs
    )
    assert (english.status, '<html lang="en">' in english.text) == (200, True)
    assert (value(english, "activity"), value(english, "event_date")) == ("Taller de bordado", YESTERDAY)
    assert (ticked(english), "Ticked in all: 3" in english.text) == (theirs, True), "and it is the same page of names"
    assert '<html lang="en">' in crowded.browser.get("/records").text, "it stays so"
    spanish = switched(crowded.browser, english, "es", activity="Taller", unkeyed="12 ", tick=ticked(english))
    assert ("Marcados en total: 3" in spanish.text, value(spanish, "unkeyed").strip()) == (True, "12")
    assert crowded.desk.book.listed() == (), "nothing is stored by that"


def test_a_form_into_which_nothing_was_typed_leaves_no_draft_and_keeps_its_day(site: Site) -> None:
    english = switched(site.browser, site.browser.get(ATTENDANCE), event_date=YESTERDAY)
    assert (value(english, "event_date"), site.desk.roster.drafts()) == (YESTERDAY, ())


def test_a_correction_changes_its_language_and_stays_one(site: Site) -> None:
    stored = press(site, site.browser.get(ATTENDANCE), "store", activity="Taller", unkeyed="3")
    where = re.search(r'href="(/records/one/[0-9a-f]{32})/correct"', stored.text)
    assert where is not None
    told = press(site, site.browser.get(f"{where[1]}/correct"), "store", unkeyed="muchas", reason="eran más")
    assert told.status == 400
    english = switched(site.browser, told, event_date=TODAY, activity="Taller", unkeyed="muchas", reason="eran más")
    assert ("Correct: Attendance" in english.text, value(english, "unkeyed")) == (True, "muchas")
    assert press(site, english, "store", unkeyed="5", reason="eran más").status == 200
    assert [entry.version for entry in site.desk.book.listed()] == [2]


def test_where_the_disk_takes_no_draft_the_page_holds_it_all_the_same(
    crowded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = press(crowded, crowded.browser.get(f"{ATTENDANCE}?draft=one"), "page:2", activity="Taller", tick=["K-000"])
    monkeypatch.setattr(Roster, "keep_draft", full)
    english = switched(crowded.browser, page, activity="Otro", tick=offered(page)[:1])
    assert (value(english, "activity"), "Ticked in all: 2" in english.text) == ("Otro", True)
    assert '<input type="hidden" name="tick" value="K-000">' in english.text


def full(*_: object) -> None:
    import sqlite3

    raise sqlite3.OperationalError("database or disk is full")


def test_somebody_being_added_or_changed_and_a_reason_are_kept(site: Site) -> None:
    code = site.add("Ana Canul")
    added = switched(site.browser, site.browser.get("/records/roster"), name="Rosa Tzuc", sex="F", age_band="65+")
    assert ("Add somebody" in added.text, value(added, "name")) == (True, "Rosa Tzuc")
    assert re.search(r'value="65\+" checked', added.body.decode()) is not None
    person = site.browser.get(f"/records/roster/person/{code}?lang=es")
    changed = switched(site.browser, person, name="Ana María Canul", sex="F", age_band="45-64", gone="yes")
    assert (value(changed, "name"), 'value="yes" checked' in changed.text) == ("Ana María Canul", True)
    assert [person.name for person in site.desk.roster.people()] == ["Ana Canul"]
    stored = press(site, site.browser.get(f"{ATTENDANCE}?lang=es"), "store", activity="Taller", unkeyed="3")
    withdrawing = switched(site.browser, stored, reason="se capturó dos veces")
    assert value(withdrawing, "reason") == "se capturó dos veces"
    assert not site.desk.book.listed()[0].withdrawn


def test_what_a_technician_has_written_is_kept_and_not_sent(tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set(PIN)
    idle = Idle()
    browser = Browser(build_site(make_view(tmp_path, clock, None, idle)))
    english = switched(browser, browser.get("/repaired"), note="cable nuevo")
    assert ("I have repaired it" in english.text, "cable nuevo</textarea>" in english.text) == (True, True)
    assert idle.recorded == []


def test_a_form_on_its_way_through_the_pin_is_kept_and_no_pin_is_tried(site: Site, tmp_path: Path) -> None:
    form = {**site.hidden(ATTENDANCE), "activity": "Taller", "action": "store"}
    PinStore(tmp_path, None).set("8642")
    asked = site.browser.post_bare(ATTENDANCE, form)
    for _ in range(5):
        english = switched(site.browser, asked, pin="0000")
    assert ("The facilitator's PIN" in english.text, value(english, "activity")) == (True, "Taller")
    assert "0000" not in english.text
    let_in = site.browser.post_bare("/pin", {**held(english), "pin": "8642"})
    assert (value(let_in, "activity"), '<html lang="en">' in let_in.text) == ("Taller", True)


def held(page: Answer) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.body.decode()))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with facilitator(tmp_path) as site, served(view_of(tmp_path, site)) as address:
        yield address


@pytest.mark.browser
def test_in_a_real_browser_the_head_changes_the_language_and_enter_does_not(address: str) -> None:
    with running_chromium() as chromium:
        context = chromium.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{address}/records/new/power_note?lang=es")
        page.fill("#f-pin", PIN)
        page.press("#f-pin", "Enter")
        assert page.locator("html").get_attribute("lang") == "es"
        page.fill("#f-from", "2025-11-13T06:30")
        page.click("header button >> text=English")
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.input_value("#f-from") == "2025-11-13T06:30"
        page.goto(f"{address}/records/new/attendance?way=tally")
        page.fill("#f-activity", "Taller")
        page.fill("#f-event_date", "2025-11-12")
        page.press("#f-activity", "Enter")
        assert page.locator("html").get_attribute("lang") == "en", "Enter presses no language"
        context.close()
