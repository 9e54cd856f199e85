"""People, their links and their roles."""

from __future__ import annotations

import re

import pytest
from httpx import Client

from aldea.dashboard_api.server import HttpServer
from aldea.model.clock import ManualClock
from aldea.storage.register.audit import AuditEntry, list_audit
from aldea.storage.register.people import Grant, add_person, give_role
from dashboard_api.accounts import GOOD, send, token_of
from dashboard_api.village import HOUR, NOW_MS, Village


def test_people_get_a_link_a_role_and_an_end_and_may_be_kept_out(
    admin: Client, server: HttpServer, empty: Village, clock: ManualClock
) -> None:
    empty.add_sites(5)
    page = send(admin, "/admin/people", label="Beto", account="beto")
    link = re.search(r"/set-password/[\w-]+", page.text)
    assert link is not None
    given_role = {"role": "technician", "programme": "aldeas", "region": "Yucatán", "ends": "2026-11-22"}
    assert send(admin, "/admin/people/beto/grants", on="/admin/people/beto", **given_role).status_code == 303
    assert "already" in send(admin, "/admin/people/beto/grants", on="/admin/people/beto", **given_role).text
    with Client(base_url=server.url, headers={"Accept-Language": "en"}) as beto:
        assert send(beto, link[0], password=GOOD + "!", again=GOOD + "!").status_code == 303
        assert send_fails(beto, link[0]), "a link works once"
        sites = [item["id"] for item in beto.get("/api/v1/sites").json()["items"]]
        assert sites == ["sitio-01", "sitio-05"], "Tekax and Yaxcabá are in Yucatán"
        assert beto.get("/api/v1/sites/sitio-02").status_code == 404
        assert beto.get("/sites/sitio-02").status_code == 404
        assert beto.get("/api/v1/sites/sitio-02/measurements").status_code == 404
        assert beto.get("/api/v1/completeness?site=sitio-02").status_code == 404
        assert 'aldea_sites{simulated="true",state="unknown"} 2.0' in beto.get("/metrics").text
        assert "sitio-02" not in beto.get("/").text
        midnight = 1_795_413_600_000  # 2026-11-23 00:00 in Mexico City
        clock.advance(6 * HOUR)
        assert beto.get("/account").status_code == admin.get("/account").status_code == 200
        clock.advance(midnight - NOW_MS - 6 * HOUR - 1)
        assert beto.get("/api/v1/sites").status_code == 200, "the last day is whole"
        clock.advance(1)
        assert beto.get("/api/v1/sites").status_code == 403, "and then it is over, with nobody's help"
        send(admin, "/admin/people/beto/disable", on="/admin/people/beto")
        assert beto.get("/account").status_code == 303
    deeds = [entry.action for entry in _audit(empty)]
    assert {"set_up", "person_added", "grant_given", "password_set", "person_disabled"} <= set(deeds)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"role": "king"}, "Choose one of the roles in the list"),
        ({"role": "admin", "region": "Yucatán"}, "leave programme and region empty"),
        ({"role": "viewer", "programme": "aldea"}, "There is no such programme"),
        ({"role": "viewer", "region": "Yucatan"}, "That is no federal state"),
        ({"role": "viewer", "ends": "30/6/2027"}, "Write the day as year-month-day"),
        ({"role": "viewer", "ends": "2020-01-01"}, "That day has passed"),
        ({"role": "viewer", "ends": "9999-12-31"}, "Write the day as year-month-day"),
    ],
)
def test_a_role_that_cannot_be_gets_a_sentence_and_what_was_typed_stays(
    admin: Client, empty: Village, typed: dict[str, str], said: str
) -> None:
    empty.add_sites(1)
    send(admin, "/admin/people", label="Beto", account="beto")
    page = send(admin, "/admin/people/beto/grants", on="/admin/people/beto", **typed)
    assert page.status_code == 400
    assert said in page.text
    for name in set(typed) - {"role"}:
        assert f'value="{typed[name]}"' in page.text
    assert send(admin, "/admin/people/nobody/grants", on="/admin/people", role="viewer").status_code == 404


def test_the_last_administrator_stays(admin: Client) -> None:
    answer = send(admin, "/admin/people/admin-one/disable", on="/admin/people/admin-one")
    assert answer.status_code == 400
    assert "leave nobody who can let people in" in answer.text
    assert admin.get("/admin/people").status_code == 200


def test_a_grant_that_begins_later_does_not_hold_yet(empty: Village, server: HttpServer) -> None:
    with empty.register.transaction() as unit:
        add_person(unit, "later", "Later", NOW_MS)
        give_role(unit, Grant("later", "admin", "", "", NOW_MS + HOUR, None))
    secret = token_of(empty.register, "later", ["view"], NOW_MS)
    with Client(base_url=server.url, headers={"Authorization": f"Bearer {secret}"}) as program:
        assert program.get("/api/v1/sites").status_code == 403


def send_fails(client: Client, path: str) -> bool:
    return client.get(path).status_code == 404


def _audit(village: Village) -> tuple[AuditEntry, ...]:
    with village.register.reading() as unit:
        return list_audit(unit)
