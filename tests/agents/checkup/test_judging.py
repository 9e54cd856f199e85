"""What is said of which evidence, and in which order: nothing is asked here."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from aldea.agents.checkup.checks import CHECKS, judge
from aldea.agents.checkup.evidence import Box, BrokerAnswer, Delivering, Enrolled, Evidence, Interface, Network
from aldea.agents.checkup.findings import Finding, State, as_plain, first_wrong
from aldea.agents.checkup.folder import FolderError
from aldea.model.sample import Reading, Value

WHERE = "broker.example.org:8883"


def ping(role: str, *, answers: bool, loss: float = 0.0) -> Reading:
    fields: dict[str, Value] = {"received": int(answers), "loss_ratio": loss if answers else 1.0}
    return Reading(
        "ping", {**fields, "failure": None if answers else "no_reply"}, {"target": "192.0.2.1", "role": role}
    )


def failing(measurement: str, failure: str | None, **tags: str) -> Reading:
    return Reading(measurement, {"failure": failure}, tags)


def host(**fields: Value) -> Reading:
    return Reading(
        "host", {"disk_free_bytes": 9_000_000_000, "disk_used_ratio": 0.4, "memory_used_ratio": 0.4, **fields}
    )


def box(**fields: Value) -> Box:
    return Box(host(clock="ntp", **fields), None, undervoltage=False, knows_time=True)


WELL = Evidence(
    power=[Reading("power", {"on_battery": False, "failure": None}, {"source": "ups"})],
    box=box(),
    network=Network((Interface("eth0", True, False),), "eth0", "192.168.1.1"),
    ping=[ping("gateway", answers=True), ping("anchor", answers=True)],
    devices=[failing("snmp", None, target="antenna")],
    dns=[failing("dns", None, server="192.168.1.1")],
    http=[failing("http", None, target="http://example.org/")],
    broker=BrokerAnswer(WHERE, None, accepted=True),
    enrolled=Enrolled("yaxcaba/agent"),
)
CUT: Mapping[str, Any] = {
    "ping": [ping("gateway", answers=True), ping("anchor", answers=False)],
    "dns": [failing("dns", "dns_timeout")],
    "http": [failing("http", "connect_timeout")],
    "broker": BrokerAnswer(WHERE, "connect_timeout"),
}


def states(found: Evidence) -> dict[str, State]:
    return {item.key: item.state for item in judge(found)}


def named(found: Evidence, key: str) -> Finding:
    return next(item for item in judge(found) if item.key == key)


def first(found: Evidence) -> str | None:
    wrong = first_wrong(judge(found))
    return None if wrong is None else wrong.key


def test_where_everything_works_nothing_is_to_be_checked() -> None:
    assert set(states(WELL).values()) == {State.OK}
    assert first(WELL) is None


def test_the_order_is_that_of_a_persons_way_from_the_plug_to_the_server() -> None:
    assert [check.key for check in CHECKS] == [
        "power", "box", "clock", "cable", "router", "devices", "link", "names", "web", "server", "enrolment",
    ]  # fmt: skip


def test_a_cut_link_is_first_and_what_is_behind_it_is_not_reached() -> None:
    found = states(replace(WELL, **CUT))
    assert found["router"] is State.OK
    assert found["link"] is State.WRONG
    assert {found[key] for key in ("names", "web", "server", "enrolment")} == {State.NOT_REACHED}


def test_how_long_the_link_has_been_silent_is_said_as_recorded() -> None:
    silent = replace(WELL, **CUT, anchor_silent_ms=3 * 3_600_000)
    assert "for 3 hours" in named(silent, "link").what.in_("en")
    assert "desde hace 3 horas" in named(silent, "link").what.in_("es")


def test_a_dead_router_is_before_the_link() -> None:
    dead: dict[str, Any] = {**CUT, "ping": [ping("gateway", answers=False), ping("anchor", answers=False)]}
    assert first(replace(WELL, **dead, devices=[])) == "router"


def test_a_router_that_answers_no_echo_but_passes_everything_on_is_in_order() -> None:
    found = replace(WELL, ping=[ping("gateway", answers=False), ping("anchor", answers=True)])
    assert states(found)["router"] is State.OK


def test_a_router_that_answers_no_echo_is_not_blamed_for_a_portal() -> None:
    silent = [ping("gateway", answers=False), ping("anchor", answers=False)]
    found = replace(WELL, **{**CUT, "ping": silent, "http": [failing("http", "captive_portal")]}, devices=[])
    assert states(found)["router"] is State.OK


def test_a_pulled_cable_is_before_the_router() -> None:
    unplugged = Network((Interface("eth0", False, False), Interface("wlan0", False, True)), None, None)
    found = replace(WELL, **CUT, network=unplugged, devices=[])
    assert first(found) == "cable"
    assert states(found)["router"] is State.NOT_REACHED
    assert "cable" in named(found, "cable").do[0].in_("en")
    wifi = replace(found, network=Network((Interface("wlan0", False, True),), None, None))
    assert "Wi-Fi" in named(wifi, "cable").what.in_("es")


def test_a_route_that_stays_although_the_cable_is_out_does_not_hide_it() -> None:
    stale = Network((Interface("eth0", False, False), Interface("wlan0", True, True)), "eth0", "192.168.1.1")
    assert first(replace(WELL, **CUT, network=stale, devices=[])) == "cable"


def test_a_router_that_gives_no_address_is_the_routers_fault() -> None:
    found = replace(WELL, **CUT, network=Network((Interface("eth0", True, False),), None, None), devices=[])
    assert first(found) == "router"
    assert "address" in named(found, "router").what.in_("en")


def test_an_antenna_that_does_not_answer_is_before_the_link_it_breaks() -> None:
    found = replace(WELL, **CUT, devices=[failing("snmp", "snmp_timeout", target="antenna")])
    assert first(found) == "devices"
    assert "antenna" in named(found, "devices").what.in_("en")


def test_a_portal_that_lets_no_names_through_is_no_fault_of_the_names() -> None:
    found = replace(WELL, **{**CUT, "http": [failing("http", "captive_portal")]})
    assert first(found) == "web"


def test_a_router_that_never_answers_is_not_blamed_when_the_link_is_cut() -> None:
    silent = [ping("gateway", answers=False), ping("anchor", answers=False)]
    found = replace(WELL, **{**CUT, "ping": silent})
    assert first(found) == "router"
    assert first(replace(found, router_is_mute=True)) == "link"
    assert states(replace(found, router_is_mute=True))["router"] is State.UNKNOWN


def test_a_link_without_anchors_is_judged_by_the_web() -> None:
    found = replace(WELL, **{**CUT, "ping": [ping("gateway", answers=True)]})
    assert first(found) == "link"
    assert states(found)["names"] is State.NOT_REACHED


def test_where_all_is_asked_by_names_nothing_is_claimed_of_the_link() -> None:
    by_name = Reading("ping", {"sent": 0, "received": 0, "failure": "dns_failed"}, {"target": "x", "role": "anchor"})
    found = replace(
        WELL,
        **{**CUT, "ping": [ping("gateway", answers=True), by_name], "http": [failing("http", "dns_timeout")]},
    )
    assert first(found) == "names"
    assert "The Internet answers" not in named(found, "names").what.in_("en")


def test_a_box_that_may_not_send_echoes_blames_no_router() -> None:
    may_not = Reading("ping", {"received": 0, "failure": "permission_denied"}, {"target": "r", "role": "gateway"})
    found = replace(WELL, **{**CUT, "ping": [may_not, ping("anchor", answers=False)]})
    assert first(found) == "link"
    assert named(found, "link").what.in_("en") == "Nothing beyond the router answers."


def test_a_box_without_a_route_that_is_heard_all_the_same_blames_no_router() -> None:
    found = replace(WELL, network=Network((Interface("eth0", True, False),), None, None), ping=[])
    assert first(found) is None


def test_a_box_that_may_be_on_wifi_is_told_so_where_its_cable_is_dead() -> None:
    cards = (Interface("eth0", False, False), Interface("wlan0", False, True))
    steps = [step.in_("es") for step in named(replace(WELL, network=Network(cards, None, None)), "cable").do]
    assert any("Wi-Fi" in step for step in steps)


@pytest.mark.parametrize("where", ["172.16.4.1:8883", "10.0.0.1:1883", "[fd00::1]:8883", "localhost:1883"])
def test_a_server_in_the_village_proves_no_link(where: str) -> None:
    found = replace(WELL, **{**CUT, "broker": BrokerAnswer(where, None, accepted=True)})
    assert first(found) == "link"


def test_names_that_are_not_found_are_before_the_web() -> None:
    broken = replace(
        WELL,
        dns=[failing("dns", "dns_timeout")],
        http=[failing("http", "dns_failed")],
        broker=BrokerAnswer(WHERE, "dns_failed"),
    )
    assert first(broken) == "names"
    assert states(broken)["server"] is State.NOT_REACHED


def test_a_portal_is_the_provider_that_wants_payment() -> None:
    portal = replace(WELL, http=[failing("http", "captive_portal")], broker=BrokerAnswer(WHERE, "connect_timeout"))
    assert first(portal) == "web"
    assert "payment" in named(portal, "web").what.in_("en")
    assert "pago" in named(portal, "web").what.in_("es")


def test_a_portal_that_lets_nothing_else_through_is_no_fault_of_the_antenna() -> None:
    alone = replace(WELL, **{**CUT, "dns": WELL.dns, "http": [failing("http", "captive_portal")]})
    assert named(alone, "link").state is State.OK
    assert first(alone) == "web"


@pytest.mark.parametrize("failure", ["connection_refused", "connect_timeout", "no_reply", "dns_failed"])
def test_a_server_that_is_away_is_nobodys_business_at_the_site(failure: str) -> None:
    away = replace(WELL, broker=BrokerAnswer(WHERE, failure))
    assert first(away) == "server"
    assert states(away)["enrolment"] is State.NOT_REACHED
    assert "Nothing to do at the site" in named(away, "server").do[0].in_("en")


def test_a_certificate_that_is_not_the_expected_one_is_said() -> None:
    found = replace(WELL, broker=BrokerAnswer(WHERE, "tls_certificate_invalid"))
    assert "certificate" in named(found, "server").what.in_("en")


def test_a_broker_with_nobody_behind_it_is_found_out_by_the_running_agent() -> None:
    assert first(replace(WELL, delivering=Delivering(True, 300_000))) == "server"
    assert first(replace(WELL, delivering=Delivering(True, 30_000))) is None, "it may just be starting"


def test_a_refused_box_needs_a_new_code() -> None:
    refused = replace(WELL, broker=BrokerAnswer(WHERE, None, accepted=False, said="Not authorized"))
    assert first(refused) == "enrolment"
    assert "Not authorized" in named(refused, "enrolment").what.in_("es")


def test_a_spoilt_enrolment_is_said_although_the_link_is_cut() -> None:
    found = replace(WELL, **CUT, enrolled=Enrolled("yaxcaba/agent", "enrolment-1.password"))
    assert states(found)["enrolment"] is State.WRONG
    assert first(found) == "link"


def test_mains_power_that_is_out_is_the_very_first() -> None:
    found = replace(WELL, **CUT, power=[Reading("power", {"on_battery": True, "failure": None}, {"source": "ups"})])
    assert first(found) == "power"


def test_without_a_meter_power_is_not_known_and_never_guessed() -> None:
    assert states(replace(WELL, power=[]))["power"] is State.UNKNOWN
    silent = replace(WELL, power=[failing("power", "snmp_timeout", source="ups")])
    assert states(silent)["power"] is State.UNKNOWN


@pytest.mark.parametrize(
    ("ill", "words"),
    [
        (replace(box(), folder_error=FolderError("/data", errno.EROFS, "")), "the disk can only be read"),
        (box(disk_free_bytes=1_000_000), "1 MB are free"),
        (box(disk_used_ratio=0.995), "disk is full"),
        (box(memory_used_ratio=0.99), "memory is full"),
        (box(temperature_celsius=91.0), "91 °C"),
    ],
)
def test_a_box_that_is_ill_is_said_with_what_it_is(ill: Box, words: str) -> None:
    assert first(replace(WELL, box=ill)) == "box"
    assert words in named(replace(WELL, box=ill), "box").what.in_("en")


def test_a_supply_that_is_too_weak_is_power() -> None:
    assert first(replace(WELL, box=replace(box(), undervoltage=True))) == "power"


def test_a_clock_that_is_not_known_is_no_reason_to_go_anywhere() -> None:
    lost = Box(host(clock="unsynced"), None, undervoltage=False, knows_time=False)
    assert states(replace(WELL, box=lost))["clock"] is State.UNKNOWN
    full = replace(lost, folder_error=FolderError("/data", errno.ENOSPC, "No space left on device"))
    said = [named(replace(WELL, box=found), "clock").what.in_("en") for found in (lost, full)]
    assert ["measures" in text for text in said] == [True, False], "a box that cannot keep anything measures nothing"
    anchored = replace(lost, knows_time=True)
    assert states(replace(WELL, box=anchored))["clock"] is State.OK


def test_much_loss_is_said_although_it_works() -> None:
    lossy = replace(WELL, ping=[ping("gateway", answers=True), ping("anchor", answers=True, loss=0.33)])
    assert "33 %" in named(lossy, "link").what.in_("en")


def test_nothing_is_called_wrong_before_it_is_known() -> None:
    assert set(states(Evidence()).values()) == {State.RUNNING}
    early = Evidence(dns=[failing("dns", "dns_timeout")], ping=CUT["ping"])
    found = states(early)
    assert found["names"] is State.RUNNING
    assert found["link"] is State.RUNNING


def test_findings_travel_short_and_in_both_languages() -> None:
    plain = as_plain(judge(replace(WELL, **CUT)), ("es", "en"))
    assert plain[0] == {"key": "power", "state": "ok"}
    link = next(item for item in plain if item["key"] == "link")
    assert {"what_es", "what_en"} < set(link)


@pytest.mark.parametrize(("losses", "said"), [((0.0, None), None), ((0.5, None), "50 %"), ((0.5, 0.0), None)])
def test_an_address_that_is_silent_while_another_answers_is_no_loss_of_the_link(
    losses: tuple[float | None, ...], said: str | None
) -> None:
    anchors = [ping("anchor", answers=loss is not None, loss=loss or 0.0) for loss in losses]
    link = named(replace(WELL, ping=[ping("gateway", answers=True), *anchors]), "link")
    assert link.state is State.OK
    assert ("%" in link.what.text, said is None or said in link.what.in_("es")) == (said is not None, True)
