"""What the API answers, on the real SQLite stores."""

from __future__ import annotations

import pytest
from httpx import Client

from aldea.dashboard_api.instants import iso
from aldea.model.clock import ManualClock
from dashboard_api.asking import SITE, get, refused
from dashboard_api.village import DAY, HOUR, MINUTE, NOW_MS, Village


def test_the_list_names_each_site_with_its_live_state(api: Client) -> None:
    items = {item["id"]: item for item in get(api, "/api/v1/sites")["items"]}
    assert len(items) == 13
    school = items["escuela-01"]
    assert (school["state"], school["simulated"]) == ("up", False)
    assert school["last_seen"] == iso(NOW_MS - 40_000) == "2026-11-22T16:59:20Z"
    assert school["settled_until"] == iso(NOW_MS - MINUTE)
    assert (school["municipality"], school["state_name"], school["provider"]) == ("Tekax", "Yucatán", "Red del Sur")
    assert school["completeness"]["ratio"] == pytest.approx(9871 / 9939)
    assert {item["state"] for item in items.values()} == {"up", "down", "suspect", "unknown"}
    silent = items["aldea-06"]
    assert (silent["state"], silent["last_seen"], silent["settled_until"]) == ("unknown", None, None)


def test_time_alone_changes_the_state(own: Client, clock: ManualClock) -> None:
    assert get(own, SITE)["state"] == "up"
    clock.advance(12 * MINUTE)
    assert get(own, SITE)["state"] == "suspect"
    clock.advance(4 * MINUTE)
    assert get(own, SITE)["state"] == "down"


def test_the_cursor_walks_through_all_sites_once(api: Client) -> None:
    seen: list[str] = []
    after = ""
    while True:
        page = get(api, f"/api/v1/sites?limit=5{after}")
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == sorted(set(seen))
    assert len(seen) == 13


def test_filters_narrow_the_list(api: Client) -> None:
    def ids(query: str) -> list[str]:
        return [item["id"] for item in get(api, f"/api/v1/sites?{query}")["items"]]

    assert ids("simulated=false") == ["escuela-01"]
    assert ids("q=yaxcaba%205") == ["aldea-05"]
    assert ids("state=down") == ["aldea-04", "aldea-09"]
    assert ids("state=down&simulated=false") == []


def test_one_site_has_devices_newest_values_and_streams(api: Client) -> None:
    found = get(api, SITE)
    (device,) = found["devices"]
    assert (device["id"], device["primary"], device["clock"], device["agent_version"]) == (
        "agent",
        True,
        "ntp",
        "0.1.0",
    )
    assert device["sees"] == {"wan_bytes": True, "clients": True, "power": False}
    newest = {(row["measurement"], row["tags"].get("target")): row for row in found["latest"]}
    assert newest["ping", "1.1.1.1"]["time"] == iso(NOW_MS - 5 * MINUTE)
    assert newest["ping", "1.1.1.1"]["fields"]["rtt_avg_seconds"] > 0.5
    assert found["streams"][0]["lost_rows"] == 12
    assert found["facts"]["inegi_code"] == "31079"


def test_measurements_lists_every_series(api: Client) -> None:
    found = get(api, f"{SITE}/measurements")["items"]
    assert {item["measurement"] for item in found} == {"ping", "dns", "http", "snmp", "interfaces", "host"}
    assert "loss_ratio" in next(item for item in found if item["measurement"] == "ping")["fields"]


def test_series_come_as_columns(api: Client) -> None:
    found = get(api, f"{SITE}/series?measurement=host&field=load1&start=-1h")
    assert found["unit"] == ""
    (one,) = found["series"]
    assert one["times"][0] == "2026-11-22T16:00:00.000Z"
    assert one["values"] == [0.12] * 12
    stepped = get(api, f"{SITE}/series?measurement=snmp&field=clients&start=-24h&step=1h&aggregate=max")
    assert (stepped["step_seconds"], stepped["aggregate"]) == (3600, "max")
    assert all(isinstance(value, int) for value in stepped["series"][0]["values"])
    assert len(stepped["series"][0]["times"]) == 22, "the hours without rows are left out"


def test_tags_and_absolute_times_choose_series(api: Client) -> None:
    query = (
        "measurement=ping&field=loss_ratio&tag=target:1.1.1.1&start=2026-11-22T10:00:00-06:00&end=2026-11-22T16:30:00Z"
    )
    (one,) = get(api, f"{SITE}/series?{query}")["series"]
    assert one["tags"] == {"role": "anchor", "target": "1.1.1.1"}
    assert one["times"] == [iso(NOW_MS - HOUR + step * 5 * MINUTE).replace("Z", ".000Z") for step in range(6)]  # type: ignore[union-attr]  # a time is given


def test_failures_are_data(api: Client) -> None:
    found = get(api, f"{SITE}/series?measurement=ping&field=failure&start=-24h")
    assert {value for one in found["series"] for value in one["values"]} == {"no_reply"}


def test_completeness_lists_sites_and_one_sites_gaps(api: Client) -> None:
    page = get(api, "/api/v1/completeness?limit=3")
    assert (len(page["items"]), page["next"], page["items"][0]["streams"]) == (3, page["items"][2]["site"], None)
    (one,) = get(api, "/api/v1/completeness?site=escuela-01")["items"]
    (stream,) = one["streams"]
    assert (stream["first_seq"], stream["last_seq"], stream["open_rows"]) == (1, 9939, 36)
    assert {gap["state"] for gap in stream["gaps"]} == {"lost", "explained", "open"}
    refused(api, "/api/v1/completeness?site=nowhere", 404)


def test_a_year_of_range_is_answered_with_a_step(api: Client) -> None:
    found = get(api, f"{SITE}/series?measurement=host&field=load1&start=-52w&step=1h")
    assert found["start"] == iso(NOW_MS - 364 * DAY)


def test_a_site_whose_connection_broke_is_in_doubt_at_once(fresh: Client, empty: Village) -> None:
    empty.add_sites(1)
    empty.hear("sitio-01", NOW_MS - 2000)
    assert get(fresh, "/api/v1/sites/sitio-01")["state"] == "up"
    empty.lose("sitio-01", NOW_MS - 1000)
    assert get(fresh, "/api/v1/sites/sitio-01")["state"] == "suspect"
