"""A device operated from afar: its page, its API, several at once, and who may."""

from __future__ import annotations

import re

import pytest
from httpx import Client

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.audit import list_audit
from aldea.storage.register.commands import CommandState, commands_of, note_answer, queue_command
from aldea.storage.register.facts import fact_at
from aldea.storage.register.status import Presence, StatusUpdate, upsert_status
from dashboard_api.accounts import SignIn
from dashboard_api.village import NOW_MS, Village

PAGE = "/admin/sites/escuela-01/devices/agent"
API = "/api/v1/sites/escuela-01/devices/agent/commands"

DIAGNOSTICS = {
    "versions": {"agent": "9.9.1", "system": "Debian"},
    "boot": {"uptime_seconds": 7_200, "clock": "ntp", "known_time_ms": NOW_MS, "online": True},
    "outbox": {"waiting_rows": 12_345, "used_bytes": 5_000_000},
    "probes": [{"name": "ping", "every_seconds": 60, "failures": {"no_reply": 3}}],
    "log": ["2026 INFO <b>not bold</b>"],
}


@pytest.fixture
def village(empty: Village) -> Village:
    """Two real sites, the first of them connected, and a simulated one."""
    empty.add_sites(2, simulated=False, prefix="escuela")
    empty.add_sites(1)
    return empty


def connect(village: Village, site: str = "escuela-01") -> None:
    update = StatusUpdate(
        site,
        "agent",
        arrival_ms=NOW_MS,
        presence=Presence.ONLINE,
        presence_ms=NOW_MS,
        connection=1,
        interval_seconds=300,
    )
    with village.register.transaction() as unit:
        upsert_status(unit, [update])


def answer(village: Village, command: str, state: str, **detail: object) -> None:
    with village.register.transaction() as unit:
        note_answer(unit, "escuela-01", "agent", command, state, detail, NOW_MS + 1_000)


def newest(village: Village) -> str:
    with village.register.reading() as unit:
        return commands_of(unit, "escuela-01")[0].id


def test_a_test_is_asked_for_and_its_answer_is_shown_in_plain_words(pages: Client, village: Village) -> None:
    connect(village)
    shown = pages.post(f"{PAGE}/commands", data={"kind": "test", "probe": "ping"}).text
    assert "Asked for" in shown
    assert 'http-equiv="refresh" content="5"' in shown
    found = [
        {
            "measurement": "ping",
            "tags": {"target": "gateway"},
            "fields": {"rtt_avg_seconds": 0.61, "failure": "no_reply"},
        }
    ]
    answer(village, newest(village), "done", probe="ping", found=found)
    shown = pages.get(PAGE).text
    assert "610 ms" in shown
    assert "no reply" in shown
    assert 'http-equiv="refresh"' not in shown
    with village.register.reading() as unit:
        assert list_audit(unit)[0].action == "command_asked"


def test_a_silent_box_says_so_and_the_page_looks_seldom(pages: Client, village: Village) -> None:
    shown = pages.post(f"{PAGE}/commands", data={"kind": "diagnostics"}).text
    assert "never been heard" in shown
    assert 'content="60"' in shown
    shown = pages.post(f"{PAGE}/commands/{newest(village)}/cancel").text
    assert "Cancelled" in shown
    with village.register.reading() as unit:
        assert commands_of(unit, "escuela-01")[0].state is CommandState.CANCELLED
    assert "can&#39;t be cancelled" in pages.post(f"{PAGE}/commands/{newest(village)}/cancel").text


def test_diagnostics_can_be_read_by_a_person_and_carry_no_markup(pages: Client, village: Village) -> None:
    connect(village)
    pages.post(f"{PAGE}/commands", data={"kind": "diagnostics"})
    answer(village, newest(village), "done", **DIAGNOSTICS)
    shown = pages.get(PAGE).text
    for words in ("9.9.1", "2 hours", "12,345", "5 MB", "ping: Every: 60 seconds", "no reply: 3", "&lt;b&gt;not bold"):
        assert words in shown, words
    assert "Máquina" not in shown
    assert "Versiones" in pages.get(PAGE, params={"lang": "es"}).text


def test_what_failed_is_said_in_the_readers_language_where_its_reason_is_known(pages: Client, village: Village) -> None:
    connect(village)
    pages.post(f"{PAGE}/commands", data={"kind": "test", "probe": "throughput"})
    answer(village, newest(village), "failed", reason="budget_spent", sentence="what is kept is spent")
    assert "for this month" in pages.get(PAGE).text
    assert "este mes" in pages.get(PAGE, params={"lang": "es"}).text


def test_a_wrong_probe_is_refused_with_a_sentence(pages: Client, village: Village) -> None:
    assert "use one of ping" in pages.post(f"{PAGE}/commands", data={"kind": "test", "probe": "dance"}).text
    assert "use test or diagnostics" in pages.post(f"{PAGE}/commands", data={"kind": "upgrade"}).text
    with village.register.reading() as unit:
        assert commands_of(unit, "escuela-01") == ()


def test_several_boxes_are_asked_at_once_and_simulated_ones_never(pages: Client, village: Village) -> None:
    form = pages.get("/admin/commands").text
    assert "All sites (2)" in form
    states = re.findall(r'value="(state:[^"]+)"', form)
    assert len(states) == 2
    told = pages.post("/admin/commands", data={"where": states[0], "what": "test:ping"}).text
    assert "Asked of 1 boxes" in told
    assert "Asked of 2 boxes" in pages.post("/admin/commands", data={"where": "all", "what": "diagnostics"}).text
    assert pages.post("/admin/commands", data={"where": "all", "what": "dance"}).status_code == 400
    with village.register.reading() as unit:
        kinds = sorted(one.kind for site in ("escuela-01", "escuela-02") for one in commands_of(unit, site))
        assert kinds == ["diagnostics", "diagnostics", "test"]
        assert commands_of(unit, "sitio-01") == ()


def test_the_api_asks_lists_shows_and_cancels(pages: Client, village: Village) -> None:
    made = pages.post(API, json={"kind": "test", "probe": "dns", "id": "my-own-id"})
    assert (made.status_code, made.json()["state"]) == (202, "waiting")
    assert pages.post(API, json={"kind": "test", "probe": "dns", "id": "my-own-id"}).json() == made.json()
    pages.post(API, json={"kind": "diagnostics"})
    page = pages.get(API, params={"limit": 1}).json()
    rest = pages.get(API, params={"limit": 1, "after": page["next"]}).json()
    assert {item["kind"] for item in page["items"] + rest["items"]} == {"test", "diagnostics"}
    assert rest["next"] is None
    assert pages.post(f"{API}/my-own-id/cancel").json()["state"] == "cancelled"
    assert pages.get(f"{API}/my-own-id").json()["state"] == "cancelled"
    assert pages.post(f"{API}/my-own-id/cancel").status_code == 409
    assert pages.get(f"{API}/another").status_code == 404


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "upgrade"}, "use test or diagnostics"),
        ({"kind": "test"}, "use one of ping"),
        ({"kind": "diagnostics", "hours": 0}, "from 0.02 to 2160"),
        ({"kind": "diagnostics", "hour": 1}, "hour is not a member"),
    ],
)
def test_the_api_says_what_is_wrong(pages: Client, village: Village, body: dict[str, object], says: str) -> None:
    answered = pages.post(API, json=body)
    assert answered.status_code == 400
    assert says in answered.json()["detail"]


def test_a_simulated_box_and_one_that_is_not_there(pages: Client, village: Village) -> None:
    simulated = pages.post("/api/v1/sites/sitio-01/devices/agent/commands", json={"kind": "diagnostics"})
    assert (simulated.status_code, "simulated" in simulated.json()["detail"]) == (400, True)
    assert pages.get("/api/v1/sites/escuela-01/devices/other/commands").status_code == 404
    assert pages.get("/admin/sites/escuela-01/devices/other").status_code == 404


def test_a_technician_reaches_boxes_of_her_own_region_alone(
    pages: Client, village: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    pages.post(API, json={"kind": "diagnostics"})
    with village.register.reading() as unit:
        region = fact_at(unit, "escuela-01", "state_name", NOW_MS)
    app = create_app(village.register, village.series, clock, ApiSettings())
    own = signed_in(app, "technician", region=str(region))
    other = signed_in(app, "technician", region="Sonora")
    for address in (PAGE, API, f"{API}/{newest(village)}"):
        assert (own.get(address).status_code, other.get(address).status_code) == (200, 404), address
    assert "Pedir un diagnóstico" in own.get(PAGE).text


def test_what_settings_hold_is_read_by_those_alone_who_may_change_them(
    pages: Client, village: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    secret = {"revision": 1, "document": {"snmp": {"targets": [{"host": "192.0.2.7", "community": "s3cret"}]}}}
    with village.register.transaction() as unit:
        queue_command(unit, "escuela-01", "agent", "settings", secret, NOW_MS, NOW_MS + 10**9)
    app = create_app(village.register, village.series, clock, ApiSettings())
    technician = signed_in(app, "technician")
    for address in (API, f"{API}/{newest(village)}", PAGE):
        assert "s3cret" not in technician.get(address).text, address
    assert "s3cret" in pages.get(API).text


NONSENSE = {
    "sentence": ["no", "text"],
    "sentence_es": {"a": 1},
    "overruled": 5,
    "changed": 7,
    "errors": {"x": 1},
    "reason": [1],
    "found": [{"measurement": 5, "tags": 1, "fields": {"uptime_seconds": 1e300, "x": 10**17, "failure": 3}}, 7],
    "boot": {"uptime_seconds": 1e300, "wall_ms": -1, "known_time_ms": 1e300, "boots_counted": [1]},
    "host": {"disk_used_ratio": 1e300, "agent_bytes": -(10**17), "temperature_celsius": {"a": {"b": 1}}},
    "log": [{"name": [1], "x_seconds_ago": 1e18}],
    "runs": "1e999",
}


@pytest.mark.parametrize("kind", ["settings", "diagnostics", "test", "upgrade", "something"])
def test_a_box_that_answers_nonsense_breaks_no_page(pages: Client, village: Village, kind: str) -> None:
    payload = {"revision": 1, "document": {}, "probe": "ping", "version": "1.0"}
    for state in ("done", "failed", "rolled_back", "running"):
        with village.register.transaction() as unit:
            made = queue_command(unit, "escuela-01", "agent", kind, payload, NOW_MS, NOW_MS + 10**9)
        answer(village, made.id, state, **NONSENSE)
        for address in (PAGE, f"{PAGE}/settings", "/admin/profiles/default", "/admin/releases"):
            for language in ("es", "en"):
                shown = pages.get(address, params={"lang": language})
                assert shown.status_code == 200, (address, state, shown.text[:300])
    assert pages.get(API).status_code == 200
    assert pages.post(f"{PAGE}/settings/send").status_code == 200


def test_the_metrics_tell_how_many_are_under_way(pages: Client, village: Village) -> None:
    pages.post(API, json={"kind": "diagnostics"})
    assert 'aldea_commands_open{state="waiting"} 1.0' in pages.get("/metrics").text
