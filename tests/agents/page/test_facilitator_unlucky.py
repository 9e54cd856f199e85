"""Bad luck with the facilitator's pages: two telephones, old ones, a silent disk, a power cut too late."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agentkit.box import Answer, Browser, make_view
from agentkit.facilitator import ATTENDANCE as FORM
from agentkit.facilitator import NOW_MS, PIN, TODAY, Site, follow, offered, press
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page_settings import PageSettings
from aldea.agents.records import RecordBook, Roster
from aldea.agents.records.roster import Draft
from aldea.model.clock import ManualClock

FIRST = f"{FORM}?way=ticks&draft=one-form"
TYPED = {"activity": "Taller de bordado", "event_date": TODAY, "unkeyed": "3", "action": "store"}


def hidden(page: Answer) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.body.decode()))


def stored(site: Site) -> str:
    return site.fill(FORM, TYPED).headers["location"].partition("?")[0]


def test_a_name_in_letters_of_an_old_telephone_is_in_no_log_and_costs_no_form(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    token = site.browser.get("/records/roster").csrf
    body = f"csrf={token}&name=Juana+Secreto+Can%FAl&sex=F&age_band=25-44".encode()
    with caplog.at_level(logging.INFO):
        sent = site.browser.send("/records/roster", body, "application/x-www-form-urlencoded")
        assert sent.status == 303, "one letter is not readable; the others are"
        site.browser.post("/pin/out", {}, token_from="/records")
        token = site.browser.get("/pin").csrf
        carried = f"csrf={token}&activity=Juana+Secreto%FF&Sec%FFreto=x".encode()
        asked = site.browser.send(FORM, carried, "application/x-www-form-urlencoded")
    assert (asked.status, "Juana Secreto" in asked.text) == (403, True)
    assert "Secreto" not in caplog.text


def test_whatever_fails_in_a_page_the_log_does_not_say_what_was_typed(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(_roster: Roster, name: str) -> tuple[()]:
        raise ValueError(f"nothing known of {name}")

    monkeypatch.setattr(Roster, "like", stumbles)
    errors, inner = io.StringIO(), site.browser.site

    def served(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        return inner({**environ, "wsgi.errors": errors}, start)

    site.browser.site = served
    sent = site.browser.post("/records/roster", {"name": "Juana Secreto", "sex": "F", "age_band": "25-44"})
    assert (sent.status, errors.getvalue()) == (500, "")
    assert ("Secreto" in caplog.text, "ValueError at test_facilitator_unlucky.py" in caplog.text) == (False, True)


@pytest.mark.parametrize("part", ["Content-Type: text/plain; charset=nonsense", "Content-Type: text/plain"])
def test_parts_in_letters_that_there_are_not_are_refused_with_a_sentence(site: Site, part: str) -> None:
    token = site.browser.get("/records/roster/restore").csrf.encode()
    head = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n' + part.encode() + b"\r\n\r\n" + token
    body = head + b'\r\n--x\r\nContent-Disposition: form-data; name="passphrase"\r\n\r\nSecreto\xff\r\n--x--\r\n'
    sent = site.browser.send("/records/roster/restore", body, "multipart/form-data; boundary=x")
    assert (sent.status, "no se puede leer" in sent.text) == (400, True)


def test_ticks_that_were_thrown_away_on_another_telephone_are_said_before_fewer_are_stored(crowded: Site) -> None:
    page = press(crowded, crowded.browser.get(FIRST), "page:2", activity="Asamblea", tick=["K-000", "K-008"])
    there = {"token": "one-form", "sure": "yes"}
    assert crowded.browser.post("/records/drop-draft", there, token_from="/records").status == 303
    theirs = offered(page)[:1]
    told = press(crowded, page, "store", tick=theirs)
    assert (told.status, "se desechó en otro teléfono" in told.text) == (400, True)
    assert crowded.desk.book.listed() == (), "three came, not one"
    assert ("Marcados en total: 1" in told.text, 'value="Asamblea"' in told.text) == (True, True)
    assert "Guardado aquí" in press(crowded, told, "store").text


def test_a_form_that_the_power_cut_short_after_it_was_stored_is_not_offered_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(site, site.browser.get(FIRST), "leave", activity="Taller de bordado")
    assert "Taller de bordado" in site.browser.get("/records").text

    def cut(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Roster, "drop_draft", cut)
        site.fill(FIRST, TYPED)
    assert len(site.desk.roster.drafts()) == 1
    assert "Sin terminar" not in site.browser.get("/records").text
    site.desk.tidy()
    assert site.desk.roster.drafts() == (), "what somebody typed does not stay where it is of no use"
    site.desk.roster.keep_draft(Draft("other", "attendance", {"pairs": []}), NOW_MS)
    site.desk.tidy()
    assert len(site.desk.roster.drafts()) == 1


def test_what_was_typed_outlives_a_disk_that_answers_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {**site.hidden(FIRST), **TYPED}

    def gone(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(RecordBook, "by_token", gone)
        said = site.browser.post_bare(FORM, form)
        assert (said.status, "Anote en papel" in said.text) == (503, True)
        assert site.browser.get(FIRST).status == 503
        again = site.browser.post_bare(FORM, hidden(said))
    assert again.status == 503
    assert "Guardado aquí" in follow(site, site.browser.post_bare(FORM, hidden(again))).text


def test_what_was_typed_outlives_a_start_without_the_disk(site: Site, tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    view = make_view(tmp_path, clock, PageSettings(enabled=True, language="es"), records=None, without_outbox=True)
    browser = Browser(build_site(view))
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    form = {**TYPED, "csrf": browser.get("/records").csrf}
    said = browser.post_bare(FORM, form)
    assert (said.status, hidden(said)["activity"]) == (503, "Taller de bordado")


def test_no_passphrase_stands_in_a_page(site: Site, tmp_path: Path) -> None:
    sent = {"csrf": site.browser.get("/records").csrf, "passphrase": "muy secreta 1", "again": "muy secreta 1"}
    PinStore(tmp_path, None).set("8642")
    assert "secreta" not in site.browser.post_bare("/records/roster/backup", sent).text


def test_an_old_browser_that_names_the_page_alone_loses_no_form_either(site: Site) -> None:
    form = {**site.hidden(FIRST), **TYPED}
    site.browser.post("/pin/out", {}, token_from="/records")
    site.browser.post("/pin", {"pin": PIN, "then": "/records"})
    here, there = f"http://{site.browser.host}{FIRST}", f"http://example.org/?{site.browser.host}"
    assert "bordado" in site.browser.post_bare(FORM, form, Referer=here).text
    assert "bordado" not in site.browser.post_bare(FORM, form, Referer=there).text
    assert "bordado" not in site.browser.post_bare(FORM, form, Origin="null", Referer=here).text
    assert site.browser.post_bare(FORM, {**form, "csrf": site.browser.get(FIRST).csrf}, Referer=there).status == 403


def test_who_withdraws_what_was_corrected_meanwhile_is_told_first(site: Site) -> None:
    where = stored(site)
    seen = site.browser.get(where)
    press(site, site.browser.get(f"{where}/correct"), "store", unkeyed="4", reason="faltaba una")
    form = {**hidden(seen), "reason": "se capturó dos veces"}
    told = site.browser.post_bare(f"{where}/withdraw", form)
    assert (told.status, "Alguien cambió este registro" in told.text) == (400, True)
    assert site.browser.post_bare(f"{where}/withdraw", {**hidden(told), "reason": "dos veces"}).status == 303
    assert [entry.withdrawn for entry in site.desk.book.versions(where.rpartition("/")[2])] == [False, False, True]


def test_many_forms_that_are_not_finished_leave_what_happened_today_in_sight(site: Site) -> None:
    for number in range(6):
        site.desk.roster.keep_draft(
            Draft(f"form-{number}", "attendance", {"pairs": [["activity", f"Taller {number}"]]})
        )
    page = site.browser.get("/records")
    in_sight, _, rest = page.text.partition("<details>")
    assert ("Taller 3" in in_sight, "Taller 2" in in_sight, "Taller 2" in rest) == (True, False, True)
    assert "Y 3 más" in rest
    assert 'href="/records" aria-current="true"' in site.browser.get("/records/roster").text


@pytest.mark.parametrize(("day", "status"), [("2025-11-13", 303), (TODAY, 303), ("2025-11-15", 400)])
def test_before_midnight_the_day_is_the_sites_though_elsewhere_it_is_the_next(
    tmp_path: Path, site: Site, day: str, status: int
) -> None:
    clock = ManualClock(round(datetime(2025, 11, 15, 5, 30, tzinfo=UTC).timestamp() * 1000))  # 23:30 in Yucatán
    page = PageSettings(enabled=True, timezone="America/Merida")
    browser = Browser(build_site(make_view(tmp_path, clock, page, records=site.desk, known_ms=clock.wall_ms)))
    browser.post("/pin", {"pin": PIN, "then": "/records"})
    form = browser.get(FIRST)
    assert f'name="event_date" value="{TODAY}"' in form.text
    assert browser.post_bare(FORM, {**hidden(form), **TYPED, "event_date": day}).status == status


def test_nothing_today_pressed_on_two_telephones_in_one_instant_is_one_record(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"csrf": site.browser.get("/records").csrf}
    with monkeypatch.context() as both_looked_before_either_stored:
        both_looked_before_either_stored.setattr(RecordBook, "on_day", lambda *_: ())
        for _ in range(2):
            assert site.browser.post_bare("/records/nothing-today", form).status == 303
        assert site.fill("/records/new/nothing_today", {"event_date": TODAY}).status == 303
    (entry,) = site.desk.book.listed()
    site.desk.book.withdraw(entry.record, "hubo taller")
    site.browser.post_bare("/records/nothing-today", form)
    assert [item.withdrawn for item in site.desk.book.listed()] == [False, True], "what counts no more is no answer"
