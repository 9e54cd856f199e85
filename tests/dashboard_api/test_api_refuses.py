"""What the API refuses: each parameter by name, with the fix; and what it documents of that."""

from __future__ import annotations

import pytest
from httpx import Client

from dashboard_api.asking import SITE, get, refused
from dashboard_api.village import Village


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


@pytest.mark.parametrize("wish", ["es", "en", ""])
def test_what_is_refused_says_that_its_language_was_asked_for(api: Client, wish: str) -> None:
    """Else a cache on the way hands one visitor's Spanish to the next."""
    answer = api.get("/api/v1/nothing", headers={"Accept-Language": wish})
    assert {"accept-language", "cookie"} <= {word.strip().lower() for word in answer.headers["vary"].split(",")}


@pytest.mark.parametrize(
    ("query", "parameter", "english", "spanish"),
    [
        ("records?month=now", "month", "month is 'now': give year and month as 202511.", "dar año y mes como 202511."),
        ("records?after=there", "after", "use `next` of the page before.", "usar `next` de la página anterior."),
        (
            "incidents?after=gone",
            "after",
            "after: there is no incident 'gone' to go on",
            "no hay ningún incidente",
        ),
    ],
)
def test_what_the_register_refuses_is_said_in_the_language_that_is_asked_for(
    api: Client, query: str, parameter: str, english: str, spanish: str
) -> None:
    for wish, words in ({}, english), ({"Accept-Language": "en"}, english), ({"Accept-Language": "es"}, spanish):
        answer = api.get(f"/api/v1/{query}", headers=wish)
        found = answer.json()
        (error,) = found["errors"]
        assert (answer.status_code, error["parameter"], found["detail"]) == (400, parameter, error["detail"])
        assert words in error["detail"]
