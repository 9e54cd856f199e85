"""Every mistake in a form of the administration gets its sentence, all at once, and what was typed stays."""

from __future__ import annotations

import html
import re

import pytest
from httpx import Client

from aldea.storage.register.facts import facts_at
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from dashboard_api.village import DAY, NOW_MS, Village

SITE = {"name": "Isla", "timezone": "America/Merida"}

WRONG = [
    ("/admin/sites/isla", {**SITE, "name": ""}, "Name is empty: write it"),
    ("/admin/sites/isla", {**SITE, "timezone": "Yucatan"}, "write an IANA name such as America/Mexico_City"),
    ("/admin/sites/isla", {**SITE, "latitude": "95"}, "Latitude is 95; it must be from -90 to 90"),
    ("/admin/sites/isla", {**SITE, "longitude": "x"}, "Longitude is “x”; write a number such as 20.5"),
    ("/admin/sites/isla", {**SITE, "inegi_code": "31"}, "the code of a municipality has 5 digits"),
    ("/admin/sites/isla", {**SITE, "contracted_down_mbps": "fast"}, "Contracted download (Mbit/s) is “fast”"),
    ("/admin/sites/isla", {**SITE, "population": "-4"}, "write a whole number such as 1250"),
    ("/admin/sites/isla", {**SITE, "opening_hours": "whenever"}, "write hours such as “mon-fri 09:00-18:00"),
    ("/admin/sites/isla", {**SITE, "urban": "perhaps"}, "Urban is “perhaps”; write one of"),
    ("/admin/sites/isla", {**SITE, "from_day": "2026-13-01"}, "That is not a date: write it as 2026-03-01."),
    ("/admin/sites/isla", {**SITE, "programme": "nope"}, "names the programme “nope”, which there is not"),
    ("/admin/sites/isla", {**SITE, "responsible": "nadie"}, "nadie"),
    ("/admin/sites/isla/state", {"state": "closed", "from_day": "soon"}, "That is not a date"),
    ("/admin/sites/isla/enrol", {"device": "Mi Caja"}, "1 to 39 of a-z, 0-9 and -"),
    ("/admin/sites/isla/replace", {"device": "nope"}, "nope"),
    ("/admin/programmes", {"id": "Mi Programa"}, "Id: use 1 to 39 of a-z, 0-9 and -, not starting with -."),
    ("/admin/programmes", {"id": "uno", "name": ""}, "Name: it is missing or longer than 200 characters."),
    ("/admin/programmes", {"starts_on": "mañana"}, "First day: this is not a date; write it as 2025-11-03."),
    ("/admin/programmes", {"ends_on": "nunca"}, "Last day: this is not a date"),
    (
        "/admin/programmes",
        {"starts_on": "2026-05-01", "ends_on": "2025-01-01"},
        "Last day: it is before the first day; correct one of the two.",
    ),
    ("/admin/programmes", {"due_days": "soon"}, "Days to report: write a whole number from 0 to 180."),
    ("/admin/programmes", {"duty.course": "weekly"}, "Reports: choose nothing, each month or each quarter"),
    ("/admin/people", {"label": "", "account": "otra"}, "Write the person's name, with 120 characters at most."),
    ("/admin/people", {"label": "Otra", "account": "No Way"}, "Use 1 to 39 of a-z, 0-9 and -, without spaces"),
    ("/maintenance", {"site": "isla", "from": "x", "to": "y"}, "This is not a date and a time: choose both"),
    ("/records/nothing", {"form": "nope", "site": "isla", "month": "202611"}, "Form: “nope” is not one of the options"),
    ("/records/nothing", {"form": "course", "site": "isla", "month": "202699"}, "Month: “202699” is not a month"),
]


@pytest.fixture
def pages(pages: Client, empty: Village) -> Client:
    """The pages, with a site."""
    place = Site("isla", "Isla", "America/Merida", NOW_MS - 9 * DAY)
    with empty.register.transaction() as unit:
        add_sites(unit, [SiteEntry(place, NOW_MS - 9 * DAY, SiteState.COMMISSIONED)])
    return pages


def test_every_mistake_gets_its_sentence_and_changes_nothing(pages: Client, empty: Village) -> None:
    with empty.register.reading() as unit:
        before = facts_at(unit, "isla", NOW_MS)
    silent = []
    for address, typed, sentence in WRONG:
        shown = html.unescape(re.sub(r"<[^>]+>", "", pages.post(address, data=typed).text))
        if sentence not in shown:
            silent.append((address, typed, sentence))
    assert silent == []
    with empty.register.reading() as unit:
        assert facts_at(unit, "isla", NOW_MS) == before


def test_all_mistakes_of_a_form_are_said_at_once_and_what_was_typed_stays(pages: Client) -> None:
    typed = {"name": "", "timezone": "Yucatan", "latitude": "95", "urban": "perhaps", "from_day": "2026-13-01"}
    answer = pages.post("/admin/sites/isla", data=typed)
    assert answer.status_code == 400
    assert "5 things need another look" in answer.text
    for value in ("Yucatan", "95", "perhaps", "2026-13-01"):
        assert f'value="{value}"' in answer.text
