"""What the API answers, on the real SQLite stores."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Client

from aldea.dashboard_api.instants import iso
from aldea.model.clock import ManualClock
from dashboard_api.village import DAY, HOUR, MINUTE, NOW_MS, Village

SITE = "/api/v1/sites/escuela-01"


def get(client: Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: Client, address: str, status: int = 400) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= found.keys()
    assert found["status"] == status
    return found


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


@pytest.mark.parametrize(
    ("query", "parameter", "part"),
    [
        ("field=load1", "measurement", "measurement is missing"),
        ("measurement=pingg&field=load1", "measurement", "it has dns, host, http, interfaces, ping, snmp"),
        ("measurement=host&field=load", "field", "it has clock, disk_used_ratio, load1"),
        ("measurement=host&field=load1&start=yesterday", "start", "write 2026-05-01T12:00:00Z"),
        ("measurement=host&field=load1&start=2026-11-01T00:00:00", "start", "no offset from UTC"),
        ("measurement=host&field=load1&start=-1h&end=-2h", "end", "end is not after start"),
        ("measurement=host&field=load1&step=0m", "step", "zero"),
        ("measurement=host&field=load1&step=5", "step", "write a number with s, m, h, d or w"),
        ("measurement=host&field=load1&start=-30d&step=1s", "step", "the limit is 20000; give step=3m"),
        ("measurement=host&field=load1&start=-60d", "step", "over 31 days needs one"),
        ("measurement=host&field=load1&start=-520w&step=1w&end=now&aggregate=median", "aggregate", "should be"),
        ("measurement=host&field=load1&aggregate=max", "aggregate", "aggregate needs a step"),
        ("measurement=host&field=clock&step=1h&aggregate=mean", "aggregate", "use last or count"),
        ("measurement=host&field=load1&tag=target", "tag", "write name:value"),
        ("mesurement=host&field=load1", "mesurement", "did you mean measurement?"),
        ("measurement=host&field=load1&start=9999-01-01T00:00:00Z", "start", "between the years 1970 and 2100"),
    ],
)
def test_a_bad_series_parameter_gets_a_sentence(api: Client, query: str, parameter: str, part: str) -> None:
    found = refused(api, f"{SITE}/series?{query}")
    sentences = {error["parameter"]: error["detail"] for error in found["errors"]}
    assert part in sentences[parameter]
    assert sentences[parameter] in found["detail"]


def test_every_bad_parameter_is_named_at_once(api: Client) -> None:
    found = refused(api, f"{SITE}/series?measurement=host&field=load1&start=x&end=y&step=z")
    assert [error["parameter"] for error in found["errors"]] == ["start", "end", "step"]


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/api/v1/sites?limit=0", "limit"),
        ("/api/v1/sites?limit=many", "limit"),
        ("/api/v1/sites?state=gone", "state"),
        ("/api/v1/sites?simulated=perhaps", "simulated"),
        ("/api/v1/sites?offset=3", "offset"),
        ("/api/v1/completeness?sit=x", "sit"),
        ("/api/v1/stream?after=-1", "after"),
    ],
)
def test_a_bad_list_parameter_gets_a_sentence(api: Client, address: str, parameter: str) -> None:
    (error,) = refused(api, address)["errors"]
    assert error["parameter"] == parameter
    assert error["detail"].startswith(parameter)


@pytest.mark.parametrize("path", ["", "/measurements", "/series?measurement=host&field=load1"])
def test_an_unknown_site_is_not_found(api: Client, path: str) -> None:
    assert "/api/v1/sites lists" in refused(api, f"/api/v1/sites/nowhere{path}", 404)["detail"]
    refused(api, f"/api/v1/sites/Not%20An%20Id{path}", 404)


def test_an_unknown_path_and_method_get_a_problem(api: Client) -> None:
    assert "/api/v1/openapi.json" in refused(api, "/api/v1/nothing", 404)["detail"]
    answer = api.post("/api/v1/sites")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert "use GET" in answer.json()["detail"]


def test_completeness_lists_sites_and_one_sites_gaps(api: Client) -> None:
    page = get(api, "/api/v1/completeness?limit=3")
    assert (len(page["items"]), page["next"], page["items"][0]["streams"]) == (3, page["items"][2]["site"], None)
    (one,) = get(api, "/api/v1/completeness?site=escuela-01")["items"]
    (stream,) = one["streams"]
    assert (stream["first_seq"], stream["last_seq"], stream["open_rows"]) == (1, 9939, 36)
    assert {gap["state"] for gap in stream["gaps"]} == {"lost", "explained", "open"}
    refused(api, "/api/v1/completeness?site=nowhere", 404)


def test_an_unexpected_error_is_logged_and_tells_nothing(
    fresh: Client, empty: Village, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    empty.add_sites(1, prefix="sitio")

    def broken(site: str) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(empty.series, "catalogue", broken)
    answer = fresh.get("/api/v1/sites/sitio-01/measurements")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "the secret inside" in caplog.text


def test_every_route_is_documented_with_its_errors(api: Client) -> None:
    document = get(api, "/api/v1/openapi.json")
    assert set(document["paths"]) >= {
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/sites",
        "/api/v1/sites/{site}",
        "/api/v1/sites/{site}/series",
        "/api/v1/sites/{site}/measurements",
        "/api/v1/completeness",
        "/api/v1/stream",
        "/api/v1/sites/{site}/intervals",
        "/api/v1/sites/{site}/availability",
        "/api/v1/incidents",
        "/api/v1/incidents/{incident}",
        "/api/v1/incidents/{incident}/acknowledge",
        "/api/v1/incidents/{incident}/comment",
        "/api/v1/maintenance",
        "/api/v1/maintenance/{maintenance}/end",
    }
    names = set(document["components"]["schemas"])
    described = [(path, item) for path, operations in document["paths"].items() for item in operations.values()]
    for path, operation in described:
        assert operation["summary"], path
        assert "application/problem+json" in operation["responses"]["default"]["content"], path
        assert "422" not in operation["responses"], path
        silent = [
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "query" and not parameter.get("description")
        ]
        assert silent == [], path
    text = str(document)
    assert all(part.split("'")[0] in names for part in text.split("#/components/schemas/")[1:])


def test_a_year_of_range_is_answered_with_a_step(api: Client) -> None:
    found = get(api, f"{SITE}/series?measurement=host&field=load1&start=-52w&step=1h")
    assert found["start"] == iso(NOW_MS - 364 * DAY)


def test_a_site_whose_connection_broke_is_in_doubt_at_once(fresh: Client, empty: Village) -> None:
    empty.add_sites(1)
    empty.hear("sitio-01", NOW_MS - 2000)
    assert get(fresh, "/api/v1/sites/sitio-01")["state"] == "up"
    empty.lose("sitio-01", NOW_MS - 1000)
    assert get(fresh, "/api/v1/sites/sitio-01")["state"] == "suspect"


@pytest.mark.parametrize("wish", ["es", "en", ""])
def test_what_is_refused_says_that_its_language_was_asked_for(api: Client, wish: str) -> None:
    """Else a cache on the way hands one visitor's Spanish to the next."""
    answer = api.get("/api/v1/nothing", headers={"Accept-Language": wish})
    assert {"accept-language", "cookie"} <= {word.strip().lower() for word in answer.headers["vary"].split(",")}
