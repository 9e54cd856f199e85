"""Settled truth by the API: intervals, availability and status."""

from __future__ import annotations

import pytest
from httpx import Client

from dashboard_api.village import HOUR, NOW_MS, Village, fill

SITE = "/api/v1/sites/escuela-01"


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
