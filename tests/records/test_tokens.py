"""Records by a program with a token: what its owner may, narrowed by the token, until the grant's last day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from httpx import Client

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.storage.register.people import Grant, add_person, give_role, set_disabled
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from aldea.storage.register.records import list_records
from dashboard_api.accounts import token_of
from dashboard_api.village import DAY, NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aldea.model.clock import ManualClock

YESTERDAY = (datetime.fromtimestamp(NOW_MS / 1000, UTC).date() - timedelta(days=1)).isoformat()


@pytest.fixture
def api(village: Village, clock: ManualClock) -> Iterator[Client]:
    """The app with two programmes at one site, and a facilitator of one of them until tomorrow."""
    with village.register.transaction() as unit:
        for name in ("sur", "norte"):
            add_programme(unit, Programme(name, name, date(2024, 1, 1), None, {}))
            assign_site(unit, name, "escuela-01", NOW_MS - 50 * DAY)
        add_person(unit, "luz", "Luz", NOW_MS)
        give_role(unit, Grant("luz", "facilitator", "sur", "", NOW_MS, NOW_MS + DAY))
        add_person(unit, "all", "All", NOW_MS)
        give_role(unit, Grant("all", "facilitator", "", "", NOW_MS, None))
    running = serve(create_app(village.register, village.series, clock, ApiSettings()), port=0)
    with Client(base_url=running.url, timeout=60) as client:
        yield client
    running.stop()


def bearer(village: Village, person: str, *permissions: str, **options: Any) -> dict[str, str]:
    secret = token_of(village.register, person, list(permissions) or ["view", "record"], NOW_MS, **options)
    return {"Authorization": f"Bearer {secret}"}


def record(site: str = "escuela-01", programme: str = "sur", **other: Any) -> dict[str, Any]:
    participants = [{"code": "K-1", "sex": "F", "age_band": "15-24"}]
    payload = {"activity": "Taller", "participants": participants, "unkeyed": 2}
    return {
        "site": site,
        "programme": programme,
        "form": "attendance",
        "event_date": YESTERDAY,
        "payload": payload,
        **other,
    }


def test_a_program_enters_reads_and_corrects_with_a_token_and_no_signature(api: Client, village: Village) -> None:
    mine = bearer(village, "luz")
    made = api.post("/api/v1/records", json=record(token="a-1"), headers=mine)
    assert made.status_code == 201, made.text
    assert made.json()["author"] == "luz"
    again = api.post("/api/v1/records", json=record(token="a-1"), headers=mine)
    assert again.json()["id"] == made.json()["id"]
    changed = record(record=made.json()["id"], supersedes=1, reason="mistyped")
    changed["payload"]["unkeyed"] = 3
    assert api.post("/api/v1/records", json=changed, headers=mine).json()["version"] == 2
    assert [one["version"] for one in api.get("/api/v1/records", headers=mine).json()["items"]] == [2]
    assert len(api.get(f"/api/v1/records/{made.json()['id']}", headers=mine).json()["versions"]) == 2


def test_the_records_of_another_programme_are_neither_seen_nor_corrected(api: Client, village: Village) -> None:
    mine, everything = bearer(village, "luz"), bearer(village, "all")
    theirs = api.post("/api/v1/records", json=record(programme="norte"), headers=everything).json()["id"]
    assert api.get("/api/v1/records", headers=mine).json()["items"] == []
    assert api.get(f"/api/v1/records/{theirs}", headers=mine).status_code == 404
    stolen = record(record=theirs, supersedes=1, reason="x")
    assert api.post("/api/v1/records", json=stolen, headers=mine).status_code == 404
    refused = api.post("/api/v1/records", json=record(programme="norte"), headers=mine)
    assert refused.status_code == 400
    assert "norte" not in refused.json()["detail"], "nor what other programmes there are"
    assert api.post("/api/v1/records", json=record(site="escuela-02"), headers=mine).status_code == 404
    moved = record(site="escuela-02", programme="", record=theirs, supersedes=1, reason="x")
    assert api.post("/api/v1/records", json=moved, headers=everything).status_code == 409
    with village.register.reading() as unit:
        assert [one.version for one in list_records(unit)] == [1]


@pytest.mark.parametrize(
    ("permissions", "options", "status"),
    [
        (["view"], {}, 403),
        (["record"], {"programme": "norte"}, 403),
        (["record"], {"region": "Chiapas"}, 404),
        (["record"], {"programme": "sur"}, 201),
        (["manage_people", "record"], {}, 201),
    ],
)
def test_a_token_narrows_what_its_owner_may(
    api: Client, village: Village, permissions: list[str], options: dict[str, str], status: int
) -> None:
    headers = bearer(village, "luz", *permissions, **options)
    assert api.post("/api/v1/records", json=record(), headers=headers).status_code == status
    assert api.get("/admin/people", headers=headers).status_code == 403


def test_a_grant_that_is_over_and_an_account_that_is_disabled_end_the_token(
    api: Client, village: Village, clock: ManualClock
) -> None:
    mine, other = bearer(village, "luz"), bearer(village, "all")
    assert api.get("/api/v1/records", headers=mine).status_code == 200
    clock.advance(DAY)
    assert api.get("/api/v1/records", headers=mine).status_code == 403
    assert api.get("/api/v1/records", headers=other).status_code == 200
    with village.register.transaction() as unit:
        set_disabled(unit, "all", disabled=True, at_ms=NOW_MS + DAY)
    assert api.get("/api/v1/records", headers=other).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"site": None}, 400, "site"),
        ({"form": "nope"}, 400, "use one of"),
        ({"event_date": "31-02-2025"}, 400, "event_date"),
        ({"event_date": "2999-01-01"}, 400, "event_date"),
        ({"payload": []}, 400, "payload"),
        ({"payload": {"activity": "x", "participants": [{"code": "Nombre Apellido"}]}}, 400, "participants.0.code"),
        ({"surprise": 1}, 400, "surprise"),
        ({"record": "nothing"}, 404, "There is no record"),
    ],
)
def test_what_cannot_be_is_named_by_its_field(
    api: Client, village: Village, wrong: dict[str, Any], status: int, said: str
) -> None:
    answer = api.post("/api/v1/records", json=record(**wrong), headers=bearer(village, "luz"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.text
    with village.register.reading() as unit:
        assert list_records(unit) == ()
