"""Incidents by the API and on pages: what is listed, what people answer, and what bad input gets."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Client, Response

from aldea.storage.register.incidents import IncidentState, add_incident_event, put_incident
from dashboard_api.judged import REASON, incident, judge
from dashboard_api.village import HOUR, NOW_MS, Village, fill

EN = {"Accept-Language": "en", "Accept": "text/html"}
OPEN_ID = "escuela-01-20261122-1"


@pytest.fixture
def village(empty: Village) -> Village:
    fill(empty, simulated=10)
    judge(empty)
    return empty


def ids(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def form(client: Client, path: str, page: str, **values: str) -> Response:
    """Send a form as a browser does: with the signature of the page it stands on."""
    found = client.get(page, headers=EN).text
    name, value = found.split('type="hidden" name="')[1].split('"')[0:3:2]
    return client.post(path, data={name: value, **values}, headers=EN)


def test_real_incidents_are_listed_newest_first_and_without_simulated_ones(known: Client) -> None:
    found = known.get("/api/v1/incidents").json()["items"]
    assert [item["id"] for item in found] == [OPEN_ID, "escuela-01-20261122-2"]
    first = found[0]
    assert (first["state"], first["cause"], first["site"], first["simulated"]) == (
        "firing",
        "backhaul",
        "escuela-01",
        False,
    )
    assert first["reason"] == REASON
    assert (first["opened"], first["resolved"]) == ("2026-11-22T11:00:00Z", None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=firing", [OPEN_ID]),
        ("state=resolved", ["escuela-01-20261122-2"]),
        ("cause=power", ["escuela-01-20261122-2"]),
        ("site=escuela-01&state=firing", [OPEN_ID]),
        ("site=aldea-04", []),
        ("simulated=true&site=aldea-04", ["g-20261122-1", "aldea-04-20261122-1"]),
    ],
)
def test_incidents_are_filtered(known: Client, query: str, expected: list[str]) -> None:
    assert ids(known.get(f"/api/v1/incidents?{query}")) == expected


def test_pages_of_the_list_follow_each_other(known: Client) -> None:
    first = known.get("/api/v1/incidents?limit=1")
    assert ids(first) == [OPEN_ID]
    second = known.get(f"/api/v1/incidents?limit=1&after={first.json()['next']}")
    assert ids(second) == ["escuela-01-20261122-2"]
    assert second.json()["next"] is None


def test_an_incident_comes_with_its_timeline(known: Client) -> None:
    found = known.get(f"/api/v1/incidents/{OPEN_ID}").json()
    assert [event["kind"] for event in found["timeline"]] == ["opened", "fired", "acknowledged", "comment", "owner"]
    assert (found["acknowledged_by"], found["owner"]) == ("demo", "demo")
    assert known.get("/api/v1/incidents/g-20261122-1").json()["parts"] == ["aldea-04-20261122-1", "aldea-09-20261122-1"]


def test_a_pending_incident_is_none_yet(fresh: Client, village: Village) -> None:
    with village.register.transaction() as unit:
        put_incident(unit, incident(9, state=IncidentState.PENDING))
    assert "escuela-01-20261122-9" not in ids(fresh.get("/api/v1/incidents"))
    assert fresh.get("/api/v1/incidents/escuela-01-20261122-9").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "parameter", "sentence"),
    [
        ("GET", "?state=open", None, 400, "state", "state is 'open', but it should be 'firing' or 'resolved'."),
        ("GET", "?cause=rain", None, 400, "cause", "cause is 'rain', but it should be 'power', 'backhaul'"),
        ("GET", "?simulated=maybe", None, 400, "simulated", "simulated is 'maybe'"),
        ("GET", "?limit=0", None, 400, "limit", "limit is '0', but it should be greater than or equal to 1."),
        ("GET", "?after=none", None, 400, "after", "there is no incident 'none' to go on from"),
        ("GET", "?stat=firing", None, 400, "stat", "stat is not a parameter here: did you mean state?"),
        ("GET", "?site=" + "x" * 40, None, 400, "site", "should have at most 39 characters"),
        ("GET", "/none", None, 404, None, "There is no incident 'none': /api/v1/incidents lists those there are."),
        ("POST", "/none/acknowledge", {}, 404, None, "There is no incident 'none'"),
        ("POST", f"/{OPEN_ID}/comment", {}, 400, "text", "text is missing: put it into the body."),
        ("POST", f"/{OPEN_ID}/comment", {"text": "  "}, 400, "text", "text is empty: write what was done or seen."),
        ("POST", f"/{OPEN_ID}/comment", {"text": "x" * 2001}, 400, "text", "at most 2000 characters"),
        ("POST", f"/{OPEN_ID}/comment", {"txt": "x", "text": "y"}, 400, "txt", "txt is not a member of this body"),
        ("POST", f"/{OPEN_ID}/acknowledge", {"note": 5}, 400, "note", "note is '5', but it should be a valid string."),
    ],
)
def test_bad_input_gets_a_sentence(
    known: Client,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
    parameter: str | None,
    sentence: str,
) -> None:
    known.cookies.clear()
    found = known.request(method, "/api/v1/incidents" + path, json=body)
    assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json"), found.text
    assert sentence in found.json()["detail"]
    if parameter is not None:
        assert [error["parameter"] for error in found.json()["errors"]] == [parameter]


def test_a_body_that_is_no_json_is_said(known: Client) -> None:
    found = known.post(
        f"/api/v1/incidents/{OPEN_ID}/comment", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert found.status_code == 400
    assert "The body is not JSON" in found.json()["detail"]


def test_the_first_who_acknowledges_stays_named(fresh: Client, village: Village) -> None:
    with village.register.transaction() as unit:
        put_incident(unit, incident(5, opened_ms=NOW_MS - HOUR))
    path = "/api/v1/incidents/escuela-01-20261122-5"
    assert fresh.post(path + "/acknowledge").json()["acknowledged_by"] == "demo"
    assert fresh.post(path + "/acknowledge", json={"note": "again"}).json()["acknowledged"] == "2026-11-22T17:00:00Z"
    assert fresh.post(path + "/comment", json={"text": "Fuse <b>blown</b>"}).status_code == 200
    kinds = [event["kind"] for event in fresh.get(path).json()["timeline"]]
    assert kinds == ["acknowledged", "acknowledged", "comment"]
    page = fresh.get("/incidents/escuela-01-20261122-5", headers=EN).text
    assert "Fuse &lt;b&gt;blown" in page


def test_the_list_shows_what_is_open_first_and_counts_apart(known: Client) -> None:
    page = known.get("/incidents", headers=EN).text
    assert page.index(OPEN_ID) < page.index("escuela-01-20261122-2")
    assert "Real sites: 1 open" in page
    assert "Simulated sites: 3 open" in page
    assert "g-20261122-1" not in page, "simulated ones are in a list of their own"
    other = known.get("/incidents?kind=simulated", headers=EN).text
    assert "g-20261122-1" in other
    assert OPEN_ID not in other


def test_nothing_wrong_is_said_with_since_when(fresh: Client, empty: Village) -> None:
    fill(empty, simulated=1)
    assert "No incident has been recorded yet." in fresh.get("/incidents", headers=EN).text
    with empty.register.transaction() as unit:
        put_incident(unit, incident(2, state=IncidentState.RESOLVED, resolved_ms=NOW_MS - 3 * HOUR))
    page = fresh.get("/incidents", headers=EN).text
    assert "Nothing is wrong" in page
    assert "3 hours ago" in page
    assert "Nothing is wrong" not in fresh.get("/incidents?state=resolved", headers=EN).text


def test_nothing_is_said_to_be_well_while_no_data_arrives(fresh: Client, empty: Village) -> None:
    empty.report(NOW_MS - 2 * HOUR)
    page = fresh.get("/incidents", headers=EN).text
    assert "No open incident is known" in page
    assert "Nothing is wrong" not in page


@pytest.mark.parametrize("query", ["state=x", "cause=x", "kind=x", "after=x", "site=" + "x" * 40])
def test_a_list_that_can_not_be_is_a_page_that_says_so(known: Client, query: str) -> None:
    found = known.get(f"/incidents?{query}", headers=EN)
    assert found.status_code == 400
    assert "That address can" in found.text
    name = query.split("=", maxsplit=1)[0]
    assert known.get(f"/incidents?{query}").json()["errors"][0]["parameter"] == name


def test_the_page_says_cause_check_and_who_was_told(known: Client) -> None:
    page = known.get(f"/incidents/{OPEN_ID}", headers=EN).text
    for text in (
        "The provider&#39;s link",
        "Look at the modem",
        "Nothing has arrived since 05:12",
        "Voy mañana a las nueve.",
        "Tekax 1: sin conexión",
        "waiting to be sent",
        "Seen by",
    ):
        assert text in page, text


def test_forms_answer_and_say_what_they_have_done(fresh: Client, village: Village) -> None:
    path = f"/incidents/{OPEN_ID}"
    found = form(fresh, path + "/comment", path, text="Antena movida")
    assert (found.status_code, found.headers["location"]) == (303, path)
    page = fresh.get(path, headers=EN).text
    assert "The comment is in the timeline." in page
    assert "Antena movida" in page
    assert "The comment is in the timeline." not in fresh.get(path, headers=EN).text
    assert form(fresh, path + "/owner", path, owner="").status_code == 303
    assert fresh.get(f"/api/v1{path}").json()["owner"] is None
    assert form(fresh, path + "/acknowledge", path, note="").status_code == 303


@pytest.mark.parametrize(
    ("action", "values", "sentence"),
    [
        ("comment", {"text": "  "}, "The comment is empty: write what was done or seen."),
        ("comment", {"text": "x" * 2001}, "This has 2,001 characters: shorten it to 2,000 at most."),
        ("acknowledge", {"note": "y" * 2001}, "This has 2,001 characters"),
        ("owner", {"owner": "nobody-known"}, "There is no such person: choose one of the list."),
    ],
)
def test_a_form_that_is_not_taken_keeps_what_was_typed(
    known: Client, action: str, values: dict[str, str], sentence: str
) -> None:
    path = f"/incidents/{OPEN_ID}"
    found = form(known, f"{path}/{action}", path, **values)
    assert found.status_code == 400
    assert sentence in found.text
    assert action == "owner" or next(iter(values.values())).strip() in found.text
    timeline = known.get(f"/api/v1{path}").json()["timeline"]
    assert len(timeline) == 5, "nothing was written"


def test_open_incidents_are_counted_in_the_navigation_and_for_prometheus(fresh: Client, village: Village) -> None:
    with village.register.transaction() as unit:
        add_incident_event(unit, OPEN_ID, NOW_MS, "revised")
    text = fresh.get("/metrics").text
    assert 'aldea_incidents_open{cause="backhaul",simulated="false"} 1.0' in text
    assert 'aldea_incidents_open{cause="shared_upstream",simulated="true"} 1.0' in text
    assert 'aldea_incidents_unacknowledged{simulated="false"} 0.0' in text
