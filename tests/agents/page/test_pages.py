"""The technician's and the villager's pages: what they say of which box."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentkit.box import Browser, Idle, box_settings, make_view
from aldea.agents.checkup.evidence import Evidence, Interface, Network
from aldea.agents.device_settings import PowerSettings, SnmpSettings, SnmpTarget
from aldea.agents.page.about import measured
from aldea.agents.page.app import build_site
from aldea.agents.page.latest import MOST_SERIES, LatestReadings
from aldea.agents.page.pins import PinStore
from aldea.agents.page.recorded import UplinkState, router_is_mute
from aldea.agents.page.rounds import CheckRounds, SpeedRounds
from aldea.agents.page.view import BoxView, Waiting
from aldea.agents.page_settings import PageSettings
from aldea.agents.probe_settings import (
    ClientSource,
    ClientsSettings,
    DnsSettings,
    HostSettings,
    HttpSettings,
    HttpTarget,
    InterfacesSettings,
    PingSettings,
)
from aldea.agents.settings import SeesSettings
from aldea.agents.snmp_profiles import ROUTERS, load_profile
from aldea.agents.throughput_settings import ThroughputSettings
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading, Value

MINUTE = 60_000
PAGES = ("/", "/check", "/repaired", "/about", "/pin")
KNOWN_MS = 1_795_392_000_000  # 23 November 2026, 00:00 UTC


def ping(role: str, target: str, *, answers: bool) -> Reading:
    fields: dict[str, Value] = {"received": int(answers), "failure": None if answers else "no_reply"}
    if answers:
        fields |= {"rtt_avg_seconds": 0.62, "loss_ratio": 0.0}
    return Reading("ping", fields, {"target": target, "role": role})


def web(failure: str | None) -> Reading:
    return Reading("http", {"failure": failure}, {"target": "http://example.org/"})


def site_of(folder: Path, clock: ManualClock, latest: LatestReadings, **more: Any) -> Browser:
    return Browser(build_site(make_view(folder, clock, latest=latest, **more)))


def well(latest: LatestReadings, clock: ManualClock) -> None:
    round_ = [ping("gateway", "192.168.1.1", answers=True), ping("anchor", "1.1.1.1", answers=True), web(None)]
    latest.observe(round_, clock.mono_ms())


def cut(latest: LatestReadings, clock: ManualClock) -> None:
    silent = [ping("anchor", target, answers=False) for target in ("1.1.1.1", "8.8.8.8")]
    latest.observe([ping("gateway", "192.168.1.1", answers=True), *silent], clock.mono_ms())


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["es", "en"])
def test_every_page_is_small_and_needs_nothing_from_elsewhere(browser: Browser, path: str, language: str) -> None:
    answer = browser.get(f"{path}?lang={language}")
    assert answer.status == 200
    assert len(answer.body) < 15_000
    assert f'<html lang="{language}">' in answer.text
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert 'name="viewport"' in answer.text
    assert "Español" in answer.text
    assert "English" in answer.text


def test_just_started_it_claims_nothing(browser: Browser) -> None:
    text = browser.get("/?lang=en").text
    assert "Just started" in text
    assert "Check this first" not in text
    assert "time not known yet" in text


def test_a_site_that_works_is_said_in_one_word(tmp_path: Path, clock: ManualClock) -> None:
    latest = LatestReadings()
    well(latest, clock)
    uplink = UplinkState(online=True, opened_ms=clock.mono_ms(), heard_ms=clock.mono_ms())
    text = site_of(tmp_path, clock, latest, uplink=lambda: uplink).get("/?lang=en").text
    assert "Working</h1>" in text
    assert "answers in 620 ms" in text
    assert "nothing: all is delivered" in text


def test_a_router_that_answers_no_ping_and_passes_everything_on_is_no_failure(
    tmp_path: Path, clock: ManualClock
) -> None:
    latest = LatestReadings()
    round_ = [ping("gateway", "192.168.1.1", answers=False), ping("anchor", "1.1.1.1", answers=True), web(None)]
    latest.observe(round_, clock.mono_ms())
    uplink = UplinkState(online=True, opened_ms=clock.mono_ms(), heard_ms=clock.mono_ms())
    text = site_of(tmp_path, clock, latest, uplink=lambda: uplink).get("/?lang=en").text
    assert "Working</h1>" in text
    assert "The router passes everything on." in text
    assert "✕" not in text
    assert "no answer" not in text


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading("clients", {"associated": 14, "failure": None}, {"source": "iw"}), "14 conectados"),
        (Reading("snmp", {"clients": 7, "failure": None}, {"target": "router"}), "7 conectados"),
        (Reading("power", {"on_battery": True, "failure": None}, {"source": "ups"}), "con batería"),
        (Reading("snmp", {"failure": "snmp_timeout"}, {"target": "antena"}), "no contesta"),
        (Reading("dns", {"failure": "word_of_tomorrow"}, {"server": "192.168.1.1"}), "falló"),
    ],
)
def test_each_probes_last_word_is_a_plain_one(tmp_path: Path, clock: ManualClock, reading: Reading, words: str) -> None:
    latest = LatestReadings()
    latest.observe([reading], clock.mono_ms())
    assert words in site_of(tmp_path, clock, latest).get("/").text


def test_a_cut_link_is_said_with_what_to_do_and_since_when(tmp_path: Path, clock: ManualClock) -> None:
    latest = LatestReadings()
    well(latest, clock)
    clock.advance(MINUTE)
    cut(latest, clock)
    clock.advance(3 * 3_600_000)
    cut(latest, clock)
    text = site_of(tmp_path, clock, latest).get("/").text
    assert "No funciona" in text
    assert "Revise primero: Enlace más allá del router" in text
    assert "más allá nada contesta desde hace 3 horas" in text
    assert "Lleve: el teléfono del proveedor" in text
    assert "no contesta" in text


def test_a_page_that_opened_before_the_cut_is_no_proof_of_a_link(tmp_path: Path, clock: ManualClock) -> None:
    latest = LatestReadings()
    latest.observe([web(None)], clock.mono_ms())
    uplink = UplinkState(online=True, opened_ms=clock.mono_ms(), heard_ms=clock.mono_ms())
    clock.advance(MINUTE)
    cut(latest, clock)
    assert "No funciona" in site_of(tmp_path, clock, latest, uplink=lambda: uplink).get("/").text


def test_a_server_that_is_away_does_not_make_the_village_not_work(tmp_path: Path, clock: ManualClock) -> None:
    latest = LatestReadings()
    well(latest, clock)
    away = UplinkState(trouble="cannot connect")
    text = site_of(tmp_path, clock, latest, uplink=lambda: away).get("/?lang=en").text
    assert "Working, with one thing to look at" in text
    assert "Check this first: The server" in text


def test_what_waits_and_the_times_are_in_the_villages_zone(tmp_path: Path, clock: ManualClock) -> None:
    page = PageSettings(enabled=True, timezone="America/Merida", site_name="Yaxcabá")
    latest = LatestReadings()
    well(latest, clock)
    latest.observe([Reading("budget", {"spent_bytes": 250_000_000, "planned_bytes": 1_000_000_000})], clock.mono_ms())
    view = make_view(
        tmp_path,
        clock,
        page,
        latest=latest,
        known_ms=lambda: KNOWN_MS,
        waiting=lambda: Waiting(42, KNOWN_MS - 3_600_000),
    )
    text = Browser(build_site(view)).get("/").text
    assert "Yaxcabá" in text
    assert "lecturas: 42, la más vieja del 22 nov 2026, 17:00" in text
    assert "22 nov 2026, 18:00" in text
    assert "usaron 250 de 1000 MB" in text


def test_an_outbox_that_cannot_be_read_is_said_and_takes_no_page_down(tmp_path: Path, clock: ManualClock) -> None:
    text = site_of(tmp_path, clock, LatestReadings(), waiting=lambda: None).get("/?lang=en").text
    assert "the box's disk cannot be read" in text


def test_the_newest_readings_are_bounded(clock: ManualClock) -> None:
    latest = LatestReadings()
    for number in range(MOST_SERIES + 20):
        latest.observe([ping("anchor", f"host-{number}", answers=True)], number)
    kept = latest.of("ping")
    assert len(kept) == MOST_SERIES
    assert kept[-1].reading.tags["target"] == f"host-{MOST_SERIES + 19}"


UNPLUGGED = Evidence(
    power=[],
    ping=[],
    dns=[],
    http=[],
    devices=[],
    network=Network((Interface("eth0", False, False),), None, None),
)


def checking(folder: Path, clock: ManualClock, idle: Idle) -> Browser:
    return Browser(build_site(make_view(folder, clock, None, idle)))


def test_the_checks_run_when_asked_and_the_first_wrong_thing_is_on_top(tmp_path: Path, clock: ManualClock) -> None:
    browser = checking(tmp_path, clock, Idle(UNPLUGGED))
    assert browser.post("/check").headers["location"] == "/check"
    text = browser.get("/check?lang=en").text
    assert "Check this first: Cable to the router" in text
    assert "Push the cable in at both ends" in text
    assert "Bring: a network cable that works" in text
    assert text.index("1. Power") < text.index("4. Cable") < text.index("11. The box's enrolment")
    again = browser.post("/check")
    assert again.headers["location"] == "/check?said=checked_just_now", "each round costs bytes"
    clock.advance(MINUTE)
    assert browser.post("/check").headers["location"] == "/check"


def test_while_the_checks_run_the_page_loads_again_by_itself(tmp_path: Path, clock: ManualClock) -> None:
    idle = Idle()
    waiting: list[Any] = []
    checks = CheckRounds(waiting.append, clock, idle.check)  # type: ignore[arg-type]  # nobody waits for the future
    browser = Browser(build_site(make_view(tmp_path, clock, checks=checks)))
    browser.post("/check")
    text = browser.get("/check").text
    assert '<meta http-equiv="refresh" content="3;url=/check">' in text
    assert "Revisando… 0 de 11" in text
    assert browser.post("/check", token_from="/repaired").headers["location"] == "/check", "it is under way, not over"
    assert len(waiting) == 1, "one at a time, however many phones ask"
    idle.submit(waiting[0])
    assert "refresh" not in browser.get("/check").text


def test_a_check_that_breaks_off_is_said(tmp_path: Path, clock: ManualClock) -> None:
    class Broken(Idle):
        async def check(self, told: Any = None) -> Evidence:
            raise RuntimeError("a fault")

    browser = checking(tmp_path, clock, Broken())
    browser.post("/check")
    assert "The check broke off" in browser.get("/check?lang=en").text


def speed(**fields: Value) -> Reading:
    return Reading("throughput", {"failure": None, "spent_bytes": 8_000_000, **fields}, {"direction": "down"})


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (speed(rate_bits_per_second=12_340_000, censored=False), "12.3 Mbit/s (8.0 MB used)"),
        (speed(rate_bits_per_second=55_000_000, censored=True), "at least 55.0 Mbit/s"),
        (Reading("throughput", {"failure": "budget_spent"}), "What is kept for tests by hand is spent"),
        (speed(rate_bits_per_second=None, failure="connect_timeout"), "no answer"),
    ],
)
def test_the_speed_is_tested_by_hand_and_refused_with_a_sentence(
    tmp_path: Path, clock: ManualClock, reading: Reading, words: str
) -> None:
    idle = Idle(readings=[reading])
    rounds = SpeedRounds(idle.submit, clock, idle.test, lambda: True, available=True)
    browser = Browser(build_site(make_view(tmp_path, clock, None, idle, speed=rounds)))
    assert browser.post("/check/speed", token_from="/check").status == 303
    assert words in browser.get("/check?lang=en").text


def test_what_a_speed_test_may_use_is_said_as_it_is_set(tmp_path: Path, clock: ManualClock) -> None:
    idle = Idle()
    tests = ThroughputSettings(full_bytes=7_000_000)
    rounds = SpeedRounds(idle.submit, clock, idle.test, lambda: True, available=True)
    view = make_view(tmp_path, clock, settings=box_settings(tmp_path, throughput=tests), speed=rounds)
    assert "up to some 7 MB" in Browser(build_site(view)).get("/check?lang=en").text


def test_without_a_server_no_speed_can_be_tested(browser: Browser) -> None:
    assert "No server to test with" in browser.get("/check?lang=en").text
    assert browser.post("/check/speed", token_from="/check").headers["location"] == "/check?said=no_speed_server"


def about(folder: Path, clock: ManualClock, **settings: Any) -> str:
    view: BoxView = make_view(folder, clock, settings=box_settings(folder, **settings))
    return Browser(build_site(view)).get("/about?lang=en").text


def test_what_is_not_counted_is_said_to_be_not_counted(tmp_path: Path, clock: ManualClock) -> None:
    text = about(tmp_path, clock)
    assert "Connected devices are not counted here." in text
    assert "How much the village uses is not measured here." in text
    assert "no pages visited" in text
    assert "How fast the Internet is, by" not in text
    assert "How fast the Internet is, is not tested here by itself." in text
    assert "Mains power is not measured here." in text
    assert "The facilitator may write down" not in text


def test_what_is_switched_on_is_said(tmp_path: Path, clock: ManualClock) -> None:
    more: Mapping[str, Any] = {
        "clients": ClientsSettings(sources=(ClientSource(kind="iw", interface="wlan0"),)),
        "snmp": SnmpSettings(targets=(SnmpTarget(host="192.168.1.1", interface="ether1"),)),
        "throughput": ThroughputSettings(server="https://aldea.example.org"),
    }
    page = PageSettings(enabled=True, contact="Centro comunitario, martes")
    PinStore(tmp_path, None).set("4711")
    text = about(tmp_path, clock, page=page, **more)
    assert "How many devices are connected" in text
    assert "How many different devices there were in a day" in text
    assert "How much data the whole village sends" in text
    assert "How fast the Internet is" in text
    assert "Connected devices are not counted here." not in text
    assert "The facilitator may write down" in text
    assert "of who came to a course a code with sex and age group, never a name" in text
    assert "Centro comunitario, martes" in text


OFF: Mapping[str, Any] = {
    "ping": PingSettings(enabled=False),
    "dns": DnsSettings(enabled=False),
    "http": HttpSettings(enabled=False),
    "host": HostSettings(enabled=False),
    "interfaces": InterfacesSettings(enabled=False),
}
ROUTER = SnmpTarget(host="192.168.1.1")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "When this box was on"),
        ({"ping": PingSettings(anchors=())}, "Whether the router answers"),
        ({"ping": PingSettings(gateway=False, anchors=("9.9.9.9",))}, "Asked: 9.9.9.9."),
        ({"dns": DnsSettings(names=("gob.mx",))}, "Asked: gob.mx."),
        ({"http": HttpSettings(targets=(HttpTarget(url="https://gob.mx/x"),))}, "nobody's pages: gob.mx."),
        ({"throughput": ThroughputSettings(server="http://a.example")}, "How fast the Internet is, by a short test"),
        ({"snmp": SnmpSettings(targets=(SnmpTarget(host="r", interface="wan"),))}, "How much data the whole village"),
        ({"snmp": SnmpSettings(targets=(ROUTER,))}, "Whether the router and other devices"),
        ({"snmp": SnmpSettings(targets=(SnmpTarget(host="r", clients_oid="1.3"),))}, "How many devices are connected"),
        ({"power": PowerSettings(machine=True)}, "Whether there is mains power"),
        ({"host": HostSettings()}, "How this box is"),
        ({"interfaces": InterfacesSettings()}, "How much data this box itself"),
        ({"sees": SeesSettings(wan_bytes=True)}, "How much data the whole village"),
        ({"sees": SeesSettings(clients=True)}, "How many devices are connected"),
    ],
)
def test_what_is_measured_is_said_exactly_where_it_is(
    tmp_path: Path, clock: ManualClock, settings: Mapping[str, Any], said: str
) -> None:
    alone = measured(box_settings(tmp_path, **OFF, **{key: value for key, value in settings.items() if key not in OFF}))
    told = [words.in_("en") for words in measured(box_settings(tmp_path, **{**OFF, **settings}))]
    assert any(said in sentence for sentence in told)
    assert len(told) - len([1 for key in settings if key in OFF]) == len(alone)
    nothing = [words.in_("en") for words in measured(box_settings(tmp_path, **OFF))]
    assert len(nothing) == 1, "with everything off: when it was on, and no more"


def test_what_is_asked_for_is_said_whatever_the_box_announces_of_itself(tmp_path: Path, clock: ManualClock) -> None:
    snmp = SnmpSettings(targets=(SnmpTarget(host="192.168.1.1", interface="ether1"),))
    text = about(tmp_path, clock, snmp=snmp, sees=SeesSettings(wan_bytes=False))
    assert "How much data the whole village" in text
    assert "How much the village uses is not measured here." not in text


def test_a_profile_without_a_count_of_devices_counts_none(tmp_path: Path, clock: ManualClock) -> None:
    silent = next(name for name in ROUTERS if load_profile(name).clients is None)
    assert "How many devices" not in about(
        tmp_path, clock, snmp=SnmpSettings(targets=(SnmpTarget(host="r", profile=silent),))
    )


def test_a_box_that_is_the_access_point_sees_everybodys_bytes_and_says_so(tmp_path: Path, clock: ManualClock) -> None:
    text = about(tmp_path, clock, clients=ClientsSettings(sources=(ClientSource(kind="hostapd", interface="wlan0"),)))
    assert "How much data passes through this box" in text
    assert "How much data this box itself" not in text
    assert "How much the village uses is not measured here." not in text


def test_names_from_the_settings_are_shown_as_text(tmp_path: Path, clock: ManualClock) -> None:
    page = PageSettings(enabled=True, site_name="<script>alert(1)</script>")
    body = Browser(build_site(make_view(tmp_path, clock, page))).get("/").body.decode()
    assert "<script" not in body
    assert "&lt;script&gt;" in body


def test_a_second_cut_is_as_long_as_itself_and_not_as_old_as_the_first(tmp_path: Path, clock: ManualClock) -> None:
    latest = LatestReadings()
    cut(latest, clock)  # the second anchor is not asked again before the next cut
    clock.advance(MINUTE)
    well(latest, clock)
    clock.advance(50 * 3_600_000)
    well(latest, clock)
    clock.advance(MINUTE)
    cut(latest, clock)
    clock.advance(5 * MINUTE)
    cut(latest, clock)
    text = site_of(tmp_path, clock, latest).get("/").text
    assert "más allá nada contesta desde hace 5 min" in text
    assert "Así desde hace 5 min" in text


def test_only_a_router_that_was_silent_while_the_internet_answered_is_mute(clock: ManualClock) -> None:
    latest = LatestReadings()
    dead = [ping("gateway", "192.168.1.1", answers=False), ping("anchor", "1.1.1.1", answers=False)]
    latest.observe(dead, clock.mono_ms())
    assert not router_is_mute(latest), "nothing has answered yet"
    latest.observe([dead[0], ping("anchor", "1.1.1.1", answers=True)], clock.mono_ms())
    latest.observe(dead, clock.mono_ms())
    assert router_is_mute(latest)
    well(latest, clock)
    latest.observe(dead, clock.mono_ms())
    assert not router_is_mute(latest), "this one does answer when it works"
