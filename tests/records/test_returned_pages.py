"""What was given back to a site stands on the page of records, and can be entered there once it is right."""

from __future__ import annotations

import re
from datetime import date

from httpx import Client

from aldea.collector.commanding.records import take_record
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import Held, Visitor
from aldea.dashboard_api.server import HttpServer
from aldea.dashboard_api.web.returned_list import returned_rows
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.words import load_languages
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from aldea.storage.register.records import newest_version, record_versions
from aldea.storage.register.site_records import Resolution, find_returned, open_returned
from dashboard_api.village import DAY, NOW_MS, Village
from records.site_rows import ATTENDANCE, RECORD, row_of

ADDRESS = f"/records/returned/escuela-01/{RECORD}/1"
BAD = {**ATTENDANCE, "activity": "", "participants": [{"code": "K-1", "sex": "F", "age_band": "65+"}]}


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's card."""
    return dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page[page.index('class="card form') :])
    )


def test_it_is_shown_with_its_reasons_and_entered_corrected_under_its_own_id(
    village: Village, server: HttpServer
) -> None:
    with village.register.transaction() as unit:
        take_record(unit, row_of(BAD))
    with Client(base_url=server.url, headers={"Accept-Language": "es"}) as client:
        page = client.get("/records?kind=real").text
        assert "Devueltos a los sitios" in page
        assert "Actividad: falta" in page
        assert "K-1" in page
        assert "Devueltos a los sitios" not in client.get("/records?kind=simulated").text
        form = client.get(ADDRESS)
        assert 'value="K-1"' in form.text
        sent = {
            **hidden(form.text),
            "activity": " ",
            "event_date": "2026-11-20",
            "participants.0.code": "K-1",
            "participants.0.sex": "F",
            "participants.0.age_band": "65+",
            "action": "store",
        }
        assert client.post(ADDRESS, data=sent).status_code == 400
        assert client.post(ADDRESS, data={**sent, "activity": "Taller"}).status_code == 303
        assert "Devueltos a los sitios" not in client.get("/records?kind=real").text
        assert client.get(ADDRESS).status_code == 404
    with village.register.transaction() as unit:
        (stored,) = record_versions(unit, RECORD)
        found = find_returned(unit, "escuela-01", RECORD, 1)
        assert found is not None
        assert (stored.payload["activity"], found.resolution) == ("Taller", Resolution.ENTERED)
        take_record(unit, row_of(version=2))
        last = newest_version(unit, RECORD)
        assert last is not None
        assert last.version == 1, "it was entered here: the box's correction is given back"
        assert [item.version for item in open_returned(unit)] == [2]


def test_many_of_other_programmes_do_not_hide_ones_own_and_how_many_follow_is_said(
    village: Village, server: HttpServer
) -> None:
    with village.register.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1)))
        add_programme(unit, Programme("norte", "Norte", date(2024, 1, 1)))
        for name in ("sur", "norte"):
            assign_site(unit, name, "escuela-01", NOW_MS - 40 * DAY)
        for number in range(123):
            row = row_of(BAD, record=f"{number:032x}", programme="norte" if number else "sur", at_ms=NOW_MS + number)
            take_record(unit, row)
        partner = Visitor("p", held=(Held(frozenset({Permission.RECORD}), programme="sur"),))
        shown = Shown(load_languages()["es"], NOW_MS)
        (own,) = returned_rows(unit, partner, NOW_MS, simulated=False, language="es", shown=shown)
        assert own["item"].programme == "sur"
    with Client(base_url=server.url, headers={"Accept-Language": "es"}) as client:
        page = client.get("/records?kind=real").text
        assert "103 más antiguos" in page


def test_it_can_be_set_aside_also_where_the_form_is_not_known(village: Village, server: HttpServer) -> None:
    with village.register.transaction() as unit:
        take_record(unit, row_of({"x": "<b>"}, form="weather"))
    with Client(base_url=server.url, headers={"Accept-Language": "en"}) as client:
        page = client.get("/records?kind=real").text
        assert "does not know the form “weather”" in page
        assert client.get(ADDRESS).status_code == 404
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        sent = {"action": "dismiss"} | ({} if token is None else {"csrf": token[1]})
        assert client.post(ADDRESS, data=sent).status_code == 303
    with village.register.reading() as unit:
        assert open_returned(unit) == ()
