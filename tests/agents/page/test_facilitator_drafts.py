"""What was filled in is not lost: power cuts, sessions that end, two at once, a slip of the thumb."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from agentkit.box import Browser, make_view
from agentkit.facilitator import ATTENDANCE as FORM
from agentkit.facilitator import NOW_MS, PIN, TODAY, Site, follow, offered, press, ticked
from agentkit.making import make_outbox
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page_settings import PageSettings
from aldea.agents.records import Roster, open_desk
from aldea.agents.records.roster import DRAFT_DAYS, Draft
from aldea.model.clock import ManualClock

FIRST = f"{FORM}?way=ticks&draft=one-form"
DAY_MS = 86_400_000


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


def test_where_the_disk_takes_no_draft_the_page_itself_carries_the_ticks_of_every_page(
    crowded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = press(crowded, crowded.browser.get(FIRST), "page:5", activity="Asamblea", tick=["K-000"])
    theirs = offered(page)[:2]

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Roster, "keep_draft", full)
        said = press(crowded, page, "page:6", tick=theirs)
        assert (said.status, "vea su disco" in said.text or "su disco" in said.text) == (500, True)
        assert "Marcados en total: 3" in said.text
    carried = re.findall(r'<input type="hidden" name="tick" value="([^"]+)"', said.body.decode())
    assert (carried, ticked(said)) == (["K-000"], theirs), "it is the same page of names still"
    stored = press(crowded, said, "store", tick=[*carried, *theirs])
    assert "Guardado aquí" in stored.text
    assert len(crowded.desk.book.listed()[0].payload["participants"]) == 3
