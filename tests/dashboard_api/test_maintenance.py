"""Maintenance by the API and on its page: announced, listed, ended, refused."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Client

from dashboard_api.judged import judge
from dashboard_api.test_incidents import EN, form
from dashboard_api.village import Village, fill


@pytest.fixture
def village(empty: Village) -> Village:
    fill(empty, simulated=10)
    judge(empty)
    return empty


def test_maintenance_is_listed_announced_and_ended(fresh: Client, village: Village) -> None:
    path = "/api/v1/maintenance"
    assert [item["counts_as_planned"] for item in fresh.get(path).json()["items"]] == [False, True]
    assert fresh.get(path + "?simulated=true").json()["items"] == []
    new = {
        "site": "escuela-01",
        "start": "2026-12-01T08:00:00-06:00",
        "end": "2026-12-01T14:00:00-06:00",
        "reason": "New antenna",
    }
    made = fresh.post(path, json=new)
    assert made.status_code == 201
    assert made.json()["counts_as_planned"] is True
    assert made.json()["start"] == "2026-12-01T14:00:00Z"
    ended = fresh.post(f"{path}/{made.json()['id']}/end")
    assert ended.json()["end"] == ended.json()["start"], "one that has not begun never happens"
    region = {**new, "region": "Yucatán"}
    del region["site"]
    assert fresh.post(path, json=region).json()["region"] == "Yucatán"


BASE = {"site": "escuela-01", "start": "2026-12-01T08:00:00-06:00", "end": "2026-12-01T14:00:00-06:00", "reason": "x"}


@pytest.mark.parametrize(
    ("change", "parameter", "sentence"),
    [
        ({"site": None}, "site", "Say where: a site, a programme or a state."),
        ({"site": "none"}, "site", "There is no such site"),
        ({"site": None, "programme": "none"}, "programme", "There is no such programme"),
        ({"region": "Yucatán"}, "region", "Say only one"),
        ({"end": BASE["start"]}, "end", "The end is not after the beginning"),
        ({"end": "2027-11-01T00:00:00Z"}, "end", "longer than 60 days"),
        ({"start": "2029-12-01T08:00:00Z", "end": "2029-12-01T09:00:00Z"}, "start", "more than 400 days from now"),
        ({"start": "2026-11-01T08:00:00Z", "end": "2026-11-01T09:00:00Z"}, "end", "This is over already"),
        ({"reason": "  "}, "reason", "The reason is empty"),
        ({"reason": "x" * 501}, "reason", "at most 500 characters"),
        ({"start": "soon"}, "start", "start is 'soon', which is not a time"),
        ({"day": "1"}, "day", "day is not a member of this body"),
    ],
)
def test_maintenance_that_can_not_be_is_said(
    known: Client, change: dict[str, Any], parameter: str, sentence: str
) -> None:
    known.cookies.clear()
    before = known.get("/api/v1/maintenance").json()["items"]
    found = known.post("/api/v1/maintenance", json=BASE | change)
    assert found.status_code == 400
    assert [error["parameter"] for error in found.json()["errors"]] == [parameter]
    assert sentence in found.json()["detail"]
    assert known.get("/api/v1/maintenance").json()["items"] == before


def test_ending_what_is_not_there_is_said(known: Client) -> None:
    known.cookies.clear()
    found = known.post("/api/v1/maintenance/none/end")
    assert found.status_code == 404
    assert "There is no maintenance 'none'" in found.json()["detail"]


TYPED = {"site": "escuela-01", "start": "2026-11-23T08:00", "end": "2026-11-23T14:00", "reason": "Antena nueva"}


def test_the_form_announces_in_the_sites_own_time_and_warns(fresh: Client, village: Village) -> None:
    found = form(fresh, "/maintenance", "/maintenance", **TYPED)
    assert (found.status_code, found.headers["location"]) == (303, "/maintenance")
    page = fresh.get("/maintenance", headers=EN).text
    assert "less than 48 hours ahead, so downtime counts as down" in page
    assert "Antena nueva" in page
    window = fresh.get("/api/v1/maintenance").json()["items"][1]
    assert (window["start"], window["author"]) == ("2026-11-23T14:00:00Z", "demo")
    late = {**TYPED, "start": "2026-11-29T08:00", "end": "2026-11-29T09:00"}
    assert form(fresh, "/maintenance", "/maintenance", **late).status_code == 303
    assert "it will count as planned" in fresh.get("/maintenance", headers=EN).text
    assert form(fresh, f"/maintenance/{window['id']}/end", "/maintenance").status_code == 303
    assert "The maintenance has ended." in fresh.get("/maintenance", headers=EN).text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"site": ""}, "Say where: a site, a programme or a state."),
        ({"site": "none"}, "There is no such site: choose one of the list."),
        ({"region": "Yucatán"}, "Say only one"),
        ({"start": ""}, "This is not a date and a time"),
        ({"end": "2026-11-22T99:00"}, "This is not a date and a time"),
        ({"end": "2026-11-23T07:00"}, "The end is not after the beginning"),
        ({"reason": ""}, "The reason is empty: write what will be done."),
    ],
)
def test_a_maintenance_form_that_is_not_taken_keeps_what_was_typed(
    known: Client, change: dict[str, str], sentence: str
) -> None:
    found = form(known, "/maintenance", "/maintenance", **(TYPED | change))
    assert found.status_code == 400
    assert sentence in found.text
    for value in (TYPED | change).values():
        assert value in found.text
    assert len(known.get("/api/v1/maintenance").json()["items"]) == 2
