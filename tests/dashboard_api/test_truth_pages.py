"""Settled truth and maintenance by the API and on pages."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Client

from aldea.dashboard_api.web.cause_words import CAUSE_CHECKS, CAUSE_WORDS, evidence_sentences
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.strip import TRUTH_WORDS, Stretch, stretches, strip
from aldea.dashboard_api.web.words import load_languages
from aldea.model.liveness import SiteState
from aldea.model.truth import Cause, Interval, TruthState
from dashboard_api.judged import judge
from dashboard_api.test_incidents import EN, form
from dashboard_api.village import DAY, HOUR, MINUTE, NOW_MS, Village, fill

SITE = "/api/v1/sites/escuela-01"
ENGLISH = Shown(load_languages()["en"], NOW_MS)


@pytest.fixture
def village(empty: Village) -> Village:
    fill(empty, simulated=10)
    judge(empty)
    return empty


def test_intervals_are_cut_to_the_window(known: Client) -> None:
    found = known.get(SITE + "/intervals?start=2026-11-21T19:30:00Z&end=2026-11-21T20:30:00Z").json()
    assert [(item["start"], item["end"], item["state"], item["cause"]) for item in found["items"]] == [
        ("2026-11-21T19:30:00Z", "2026-11-21T20:00:00Z", "down", "backhaul"),
        ("2026-11-21T20:00:00Z", "2026-11-21T20:30:00Z", "up", None),
    ]
    assert found["items"][0]["evidence"] == {"sent": 240, "received": 3, "gateway": "answers"}
    assert not found["items"][0]["provisional"]
    assert found["settled_until"] == "2026-11-22T16:59:00Z"


def test_availability_adds_up(known: Client) -> None:
    found = known.get(SITE + "/availability?start=-24h").json()
    assert found["durations"] == {
        "up_seconds": 67_200.0,
        "down_seconds": 4_800.0,
        "planned_seconds": 7_200.0,
        "off_seconds": 0.0,
        "unknown_seconds": 6_000.0,
    }
    assert found["service_ratio"] == pytest.approx(67_200 / 72_000)
    assert found["experienced_ratio"] == pytest.approx(67_200 / 79_200)
    assert found["coverage_ratio"] == pytest.approx(79_200 / 85_200)
    assert found["service_bounds"]["low"] == pytest.approx(67_200 / 78_000)
    assert (found["status"], found["provisional"]) == ("A", True)


@pytest.mark.parametrize(
    ("hours", "status", "withheld"), [((5, 5), "U", False), ((4, 6), "O", True), ((8, 2), "A", False)]
)
def test_the_status_follows_what_is_known(
    fresh: Client, empty: Village, hours: tuple[int, int], status: str, withheld: bool
) -> None:
    from dashboard_api.judged import put_intervals

    fill(empty, simulated=1)
    known, unknown = hours
    begin = NOW_MS - 10 * HOUR
    with empty.register.transaction() as unit:
        put_intervals(
            unit,
            "escuela-01",
            [
                (begin, begin + known * HOUR, "up", None, {}),
                (begin + known * HOUR, begin + (known + unknown) * HOUR, "unknown", None, {"reason": "silent"}),
            ],
        )
    found = fresh.get(SITE + "/availability?start=-10h").json()
    assert found["status"] == status
    assert (found["service_ratio"] is None) is withheld
    assert found["service_bounds"] == {"low": known / 10, "high": 1.0}


def test_a_site_that_nobody_judged_has_no_figures(known: Client) -> None:
    found = known.get("/api/v1/sites/aldea-03/availability").json()
    assert (found["service_ratio"], found["coverage_ratio"], found["status"]) == (None, None, "O")
    assert known.get("/api/v1/sites/aldea-03/intervals").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "status", "parameter", "sentence"),
    [
        ("/intervals?start=yesterday", 400, "start", "start is 'yesterday', which is not a time"),
        ("/intervals?end=2026-11-22T10:00:00", 400, "end", "has no offset from UTC"),
        ("/availability?start=-1h&end=-2h", 400, "start", "start is not before end"),
        ("/availability?start=2020-01-01T00:00:00Z", 400, "start", "more than 400 days before end: ask in parts"),
        ("/intervals?begin=-1h", 400, "begin", "begin is not a parameter here"),
    ],
)
def test_windows_that_can_not_be_are_said(known: Client, path: str, status: int, parameter: str, sentence: str) -> None:
    found = known.get(SITE + path)
    assert found.status_code == status
    assert [error["parameter"] for error in found.json()["errors"]] == [parameter]
    assert sentence in found.json()["detail"]
    assert known.get("/api/v1/sites/none/intervals").status_code == 404


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


def test_the_list_draws_the_last_day_and_says_it_in_words(known: Client) -> None:
    page = known.get("/?kind=real", headers=EN).text
    assert "Last 24 hours: 19 h up, 1 h 20 min down, 2 h planned maintenance, 1 h 40 min not known" in page
    assert "1 open incident" in page
    narrow = known.get("/?incident=open", headers=EN).text
    assert "escuela-01" in narrow
    assert "aldea-04" in narrow
    assert "aldea-01" not in narrow


def test_the_list_is_filtered_by_programme(known: Client) -> None:
    assert "escuela-01" in known.get("/?programme=aldeas", headers=EN).text
    assert "No site fits" in known.get("/?programme=other", headers=EN).text
    assert known.get("/?incident=x").json()["errors"][0]["parameter"] == "incident"


def test_the_page_of_a_site_says_why_it_was_down(known: Client) -> None:
    page = known.get("/sites/escuela-01", headers=EN).text
    for text in (
        "The site&#39;s own router answers, what lies beyond it does not.",
        "3 of 240 test packets came back.",
        "The router restarted in this time too, so the electricity was gone.",
        "Power cut or agent unplugged",
        "93.3",
        "Provisional",
        "Cambio de antena",
        "escuela-01-20261122-1",
    ):
        assert text in page, text


def test_silence_that_is_not_settled_is_drawn_as_the_live_guess() -> None:
    judged = [
        Interval("a", 0, 10 * HOUR, TruthState.UP),
        Interval("a", 10 * HOUR, 12 * HOUR, TruthState.UNKNOWN, None, {"reason": "silent"}),
    ]
    found = stretches(judged, 9 * HOUR, SiteState.DOWN, 11 * HOUR, (0, 14 * HOUR))
    assert found == [
        Stretch(0, 9 * HOUR, "up"),
        Stretch(9 * HOUR, 11 * HOUR, "up", provisional=True),
        Stretch(11 * HOUR, 14 * HOUR, "down", provisional=True),
    ]


def test_what_nobody_judged_is_unknown_but_for_the_live_state() -> None:
    found = stretches([], None, SiteState.UP, 20 * HOUR, (0, 24 * HOUR))
    assert found == [Stretch(0, 20 * HOUR, "unknown"), Stretch(20 * HOUR, 24 * HOUR, "up", provisional=True)]
    assert stretches([], None, SiteState.UNKNOWN, None, (0, HOUR)) == [Stretch(0, HOUR, "unknown")]


def test_settled_unknown_time_stays_unknown() -> None:
    judged = [Interval("a", 0, 2 * HOUR, TruthState.UNKNOWN), Interval("a", 3 * HOUR, 4 * HOUR, TruthState.UP)]
    found = stretches(judged, 4 * HOUR, SiteState.UP, 4 * HOUR, (0, 4 * HOUR))
    assert found == [Stretch(0, 3 * HOUR, "unknown"), Stretch(3 * HOUR, 4 * HOUR, "up")]


def test_a_strip_fills_its_width_and_says_its_lengths() -> None:
    drawn = strip([Stretch(0, 23 * HOUR, "up"), Stretch(23 * HOUR, DAY, "down", provisional=True)], ENGLISH)
    assert drawn.summary == "23 h up, 1 h down"
    assert [(piece.at, piece.width) for piece in drawn.pieces] == [("0.00%", "95.83%"), ("95.83%", "4.17%")]
    assert drawn.provisional


@pytest.mark.parametrize(
    ("ms", "text"),
    [(5_000, "5 s"), (22 * HOUR + 40 * MINUTE, "22 h 40 min"), (3 * DAY + 4 * HOUR, "3 d 4 h"), (HOUR, "1 h")],
)
def test_lengths_are_written_in_two_units(ms: int, text: str) -> None:
    assert ENGLISH.length(ms) == text


def test_every_cause_and_state_has_words() -> None:
    assert set(CAUSE_WORDS) == set(CAUSE_CHECKS) == {cause.value for cause in Cause}
    assert {state.value for state in TruthState} <= set(TRUTH_WORDS)


def test_evidence_that_is_newer_than_this_program_is_left_out() -> None:
    assert evidence_sentences({"cosmic_rays": 3, "reason": "unheard_of"}, ENGLISH) == ["unheard_of"]
