"""What is said of which evidence: the cable, the router and the antenna."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agentkit.evidence import CUT, WELL, failing, first, named, ping, states
from aldea.agents.checkup.evidence import Interface, Network
from aldea.agents.checkup.findings import State
from aldea.model.sample import Reading


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
