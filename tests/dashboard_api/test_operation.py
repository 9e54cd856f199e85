"""Health, readiness and metrics."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from httpx import Client

from aldea.model.series import StoreUnavailable
from dashboard_api.village import HOUR, MINUTE, NOW_MS, Village


def test_the_process_answers_even_when_nothing_is_ready(fresh: Client) -> None:
    assert fresh.get("/healthz").json()["status"] == "ok"
    assert fresh.get("/readyz").status_code == 503


def test_ready_says_how_old_the_last_commit_is(fresh: Client, empty: Village) -> None:
    empty.report(NOW_MS - 5_000)
    found = fresh.get("/readyz")
    assert found.status_code == 200
    assert found.json() == {
        "status": "ready",
        "last_commit": "2026-11-22T16:59:55Z",
        "last_commit_age_seconds": 5.0,
    }


def test_a_collector_that_waits_for_its_first_batch_is_ready(fresh: Client, empty: Village) -> None:
    empty.report(NOW_MS, last_commit_ms=None)
    assert fresh.get("/readyz").json() == {"status": "ready", "last_commit": None, "last_commit_age_seconds": None}


@pytest.mark.parametrize(
    ("reported", "other", "sentence"),
    [
        (NOW_MS - 2 * HOUR, {}, "no collector has reported for 7200 s"),
        (NOW_MS, {"last_commit_ms": NOW_MS - HOUR}, "no collector has committed anything for 3600 s"),
    ],
)
def test_a_collector_that_does_not_deliver_is_named(
    fresh: Client, empty: Village, reported: int, other: dict[str, Any], sentence: str
) -> None:
    empty.report(reported, **other)
    found = fresh.get("/readyz")
    assert (found.status_code, found.headers["content-type"]) == (503, "application/problem+json")
    assert sentence in found.json()["detail"]
    assert [error["parameter"] for error in found.json()["errors"]] == ["collector"]


def test_a_series_store_that_is_away_is_named(fresh: Client, empty: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(site: str) -> None:
        raise StoreUnavailable("connection to db.internal refused")

    empty.report(NOW_MS)
    monkeypatch.setattr(empty.series, "catalogue", away)
    found = fresh.get("/readyz")
    assert [error["parameter"] for error in found.json()["errors"]] == ["series"]
    assert "db.internal" not in found.text


def test_prometheus_accepts_the_metrics(own: Client) -> None:
    own.get("/api/v1/sites")
    own.get("/nothing/here")
    text = own.get("/metrics").text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for line in (
        'aldea_sites{simulated="false",state="up"} 1.0',
        'aldea_sites{simulated="true",state="down"} 2.0',
        'aldea_site_state{site="escuela-01",state="up"} 1.0',
        'aldea_collector_counted_total{collector="c1",what="rows_stored"} 480.0',
        'aldea_collector_quarantined_total{collector="c1",reason="malformed"} 2.0',
        'aldea_collector_feed_lag_entries{collector="c1"} 1.0',
        'aldea_http_requests_total{method="GET",route="/api/v1/sites",status="200"} 1.0',
        'aldea_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
    ):
        assert line in text
    stamp = next(
        line
        for line in text.splitlines()
        if line.startswith('aldea_site_last_arrival_timestamp_seconds{site="escuela-01"}')
    )
    assert float(stamp.split()[1]) == (NOW_MS - 40_000) / 1000


def test_a_route_is_counted_by_its_pattern(own: Client) -> None:
    own.get("/api/v1/sites/escuela-01")
    own.get("/api/v1/sites/aldea-01")
    assert 'route="/api/v1/sites/{site}",status="200"} 2.0' in own.get("/metrics").text


def test_security_headers_are_on_every_answer(api: Client) -> None:
    for path in ("/", "/api/v1/sites", "/nothing", "/metrics"):
        headers = api.get(path, headers={"Accept": "text/html"}).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_minutes_are_in_the_stale_banner(fresh: Client, empty: Village) -> None:
    empty.add_sites(1)
    empty.report(NOW_MS - 90 * MINUTE)
    page = fresh.get("/", headers={"Accept-Language": "en"}).text
    assert "the collector has delivered nothing since Nov 22, 09:30" in page
    empty.report(NOW_MS)
    assert "No data arrives" not in fresh.get("/", headers={"Accept-Language": "en"}).text
