"""What the facilitator's pages say of what is missing or wrong, and where: in their own words, beside its field."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agentkit.box import Answer
from agentkit.facilitator import ATTENDANCE, PIN, TODAY, Site, follow
from aldea.agents.records import Person
from aldea.model import forms

TICKS, TALLY = f"{ATTENDANCE}?way=ticks", f"{ATTENDANCE}?way=tally"


def errors(page: Answer) -> list[str]:
    """Return the sentences that stand beside fields."""
    return re.findall(r'<p class="error">([^<]*)</p>', page.text)


def around(page: Answer, name: str) -> str:
    """Return the field of a form, with what is said of it."""
    found = re.search(rf'<div class="entry[^>]*"><label for="f-{name}">.*?</div>', page.text, re.DOTALL)
    assert found is not None, page.text
    return found[0]


@pytest.mark.parametrize(("path", "legend"), [(TICKS, "Quiénes vinieron"), (TALLY, "Cuántas personas vinieron")])
def test_that_nobody_came_is_said_at_the_names_or_at_the_grid_whichever_is_shown(
    site: Site, path: str, legend: str
) -> None:
    site.add("Ana Chan")
    sent = site.fill(path, {"activity": "Taller", "event_date": TODAY, "action": "store"})
    (marked,) = re.findall(r'<fieldset[^>]* class="entry wrong"><legend>([^<]*)', sent.text)
    assert (sent.status, marked.startswith(legend)) == (400, True)
    (told,) = errors(sent)
    assert told.startswith("Falta decir quién vino: marque nombres")
    assert "Asistentes" not in sent.text, "no group is named that stands nowhere on the page"


def test_a_day_in_a_sentence_is_written_as_everywhere_on_the_pages(site: Site) -> None:
    sent = site.fill(TALLY, {"activity": "Taller", "event_date": "2025-11-15", "unkeyed": "3", "action": "store"})
    assert errors(sent) == ["Fecha: 15 nov 2025 aún no llega (hoy es 14 nov 2025 en el sitio); corríjase la fecha."]
    out = {"from": "2025-11-13T09:00", "to": "2025-11-13T08:00", "action": "store"}
    sent = site.fill("/records/new/power_note", out)
    assert "13 nov 2025, 08:00 es antes de «Se fue la luz» (13 nov 2025, 09:00)" in around(sent, "to")
    site.browser.get("/records?lang=en")
    sent = site.fill("/records/new/power_note", out)
    assert "13 Nov 2025, 08:00 is before “Power went off” (13 Nov 2025, 09:00)" in around(sent, "to")


def test_that_the_reason_is_missing_is_said_at_the_reason(site: Site) -> None:
    form = {"activity": "Taller", "event_date": TODAY, "unkeyed": "3", "action": "store"}
    record = site.fill(TALLY, form).headers["location"].partition("?")[0]
    sent = site.browser.post_bare(ATTENDANCE, {**site.hidden(f"{record}/correct"), **form, "unkeyed": "4"})
    assert (sent.status, errors(sent)) == (400, ["Diga en pocas palabras por qué se corrige o se retira."])
    assert errors(sent)[0] in around(sent, "reason")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("13/11/2025 18:20", "2025-11-13T18:20"),
        ("13-11-2025, 6:20 pm", "2025-11-13T18:20"),
        ("13.11.2025 6.20 p. m.", "2025-11-13T18:20"),
        ("2025/11/13 12:05 a.m.", "2025-11-13T00:05"),
        ("13/11/2025 06:20:00\u202fp.\u00a0m.", "2025-11-13T18:20"),  # as telephones and spreadsheets of Mexico write
    ],
)
def test_a_day_and_hour_typed_by_hand_are_understood(site: Site, typed: str, meant: str) -> None:
    assert site.fill("/records/new/power_note", {"from": typed, "action": "store"}).status == 303
    assert [entry.payload["from"] for entry in site.desk.book.listed()] == [meant]


@pytest.mark.parametrize("button", ["nothing-today", "lay-aside"])
def test_a_button_pressed_after_the_session_has_ended_goes_on_after_the_pin(site: Site, button: str) -> None:
    path = f"/records/{button}"
    if button == "lay-aside":
        stored = site.fill(TALLY, {"activity": "Taller", "event_date": TODAY, "unkeyed": "3", "action": "store"})
        record = stored.headers["location"].partition("?")[0].rpartition("/")[2]
        assert site.desk.book.returned(record, 1, {"es": ["El día es anterior."]})
        path = f"/records/one/{record}/lay-aside"
    site.browser.post("/pin/out", {}, token_from="/records")
    asked = site.browser.post(path, {}, token_from="/pin")
    unseen = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.body.decode()))
    carried = site.browser.post_bare("/pin", {**unseen, "pin": PIN})
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', carried.body.decode()))
    assert (asked.status, carried.status, f'action="{path}"' in carried.text) == (403, 200, True)
    done = follow(site, site.browser.post_bare(path, again))
    assert (
        done.status,
        {"nothing-today": "Anotado: hoy no hubo nada", "lay-aside": "Se queda así"}[button] in done.text,
    ) == (
        200,
        True,
    )


def test_nothing_happened_is_not_noted_of_a_day_on_which_something_did(site: Site) -> None:
    site.fill("/records/new/power_note", {"from": f"{TODAY} 06:00", "action": "store"})
    form = {"activity": "Taller", "event_date": TODAY, "unkeyed": "3", "action": "store"}
    record = site.fill(TALLY, form).headers["location"].partition("?")[0]
    said = follow(site, site.browser.post("/records/nothing-today", {}, token_from="/records"))
    assert ("Hoy ya se capturó algo" in said.text, 'class="notice warning"' in said.text) == (True, True)
    assert site.desk.book.on_day("nothing_today", TODAY) == ()
    site.browser.post(f"{record}/withdraw", {"reason": "otro día"}, token_from=record)
    said = follow(site, site.browser.post("/records/nothing-today", {}, token_from="/records"))
    assert ("Anotado: hoy no hubo nada" in said.text, 'class="notice good"' in said.text) == (True, True)
    assert len(site.desk.book.on_day("nothing_today", TODAY)) == 1, "a power cut is nothing that happened here"


@pytest.mark.parametrize(
    ("said", "kind"), [("not_stored", "warning"), ("checked_too_often", "warning"), ("stored", "good")]
)
def test_what_was_not_done_is_not_told_with_a_tick(site: Site, said: str, kind: str) -> None:
    shown = re.findall(r'<div class="notice (\w+)"', site.browser.get(f"/?said={said}").text)
    assert shown == [kind]


def test_a_list_of_what_was_given_back_says_that_there_is_none(site: Site) -> None:
    assert "No hay nada que corregir." in site.browser.get("/records/list?returned=1").text
    assert "Aquí aún no se ha capturado nada." in site.browser.get("/records/list").text


def test_the_list_for_the_pen_says_which_ages_and_sexes_there_are(site: Site) -> None:
    for path in ("/records/print", "/records/print?empty=1"):
        assert "Sexo: Mujer, Hombre, Otro. Edad: 6-14, 15-24, 25-44, 45-64, 65+." in site.browser.get(path).text


def test_a_form_that_the_server_changes_meanwhile_is_shown_again_once_before_it_is_stored(site: Site) -> None:
    begun = site.hidden("/records/new/power_note?draft=begun")
    (now,) = [form for form in site.desk.shelf.forms().values() if form.id == "power_note"]
    document = json.loads((Path(forms.__file__).parent / "data" / "power_note.json").read_text())
    document["fields"] = [field for field in document["fields"] if field["name"] != "note"]
    assert site.desk.shelf.take({**document, "version": str(int(now.version) + 1)})
    form = {"from": f"{TODAY} 06:00", "note": "cayó un árbol", "action": "store"}
    sent = site.browser.post_bare("/records/new/power_note", {**begun, **form})
    assert (sent.status, "El servidor cambió este formulario" in sent.text) == (400, True)
    assert site.desk.book.listed() == ()
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', sent.body.decode()))
    assert site.browser.post_bare("/records/new/power_note", {**again, **form}).status == 303
    assert [entry.form_version for entry in site.desk.book.listed()] == [str(int(now.version) + 1)]


def test_more_people_than_a_record_takes_are_told_by_their_number(crowded: Site) -> None:
    crowded.desk.roster.put((Person("K-900", "Ana Chan", "F", "25-44"),))
    ticks = [person.code for person in crowded.desk.roster.people()]
    form = {"activity": "Fiesta", "event_date": TODAY, "tick": ticks, "action": "store"}
    unseen = {name: value for name, value in crowded.hidden(TICKS).items() if name not in {"shown", "elsewhere"}}
    sent = crowded.browser.post_bare(ATTENDANCE, {**unseen, **form})
    told = f"Hay {len(ticks)} personas marcadas y en un registro caben 300"
    assert (sent.status, [text.startswith(told) for text in errors(sent)]) == (400, [True])


def test_a_zero_is_none_however_often_it_was_pressed(site: Site) -> None:
    form = {"activity": "Taller", "event_date": TODAY, "n.F.6-14": "00", "n.M.65+": "10", "action": "store"}
    assert site.fill(TALLY, form).status == 303
    (entry,) = site.desk.book.listed()
    assert entry.payload["tally"] == [{"sex": "M", "age_band": "65+", "count": 10}]


def test_a_record_that_is_not_here_leads_back_to_the_records(site: Site) -> None:
    for path in (f"/records/one/{'0' * 32}", "/records/new/unheard_of", "/records/nothing-today"):
        page = site.browser.get(path)
        assert (page.status in {404, 405}, 'href="/records">← Registros' in page.text) == (True, True)
    assert "← Registros" not in site.browser.get("/nowhere").text
