"""What is said of which evidence: the link, names and the web."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentkit.evidence import CUT, WELL, WHERE, failing, first, named, ping, states
from aldea.agents.checkup.evidence import BrokerAnswer
from aldea.agents.checkup.findings import State
from aldea.model.sample import Reading


def test_a_cut_link_is_first_and_what_is_behind_it_is_not_reached() -> None:
    found = states(replace(WELL, **CUT))
    assert found["router"] is State.OK
    assert found["link"] is State.WRONG
    assert {found[key] for key in ("names", "web", "server", "enrolment")} == {State.NOT_REACHED}


def test_how_long_the_link_has_been_silent_is_said_as_recorded() -> None:
    silent = replace(WELL, **CUT, anchor_silent_ms=3 * 3_600_000)
    assert "for 3 hours" in named(silent, "link").what.in_("en")
    assert "desde hace 3 horas" in named(silent, "link").what.in_("es")


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


def test_much_loss_is_said_although_it_works() -> None:
    lossy = replace(WELL, ping=[ping("gateway", answers=True), ping("anchor", answers=True, loss=0.33)])
    assert "33 %" in named(lossy, "link").what.in_("en")


@pytest.mark.parametrize(("losses", "said"), [((0.0, None), None), ((0.5, None), "50 %"), ((0.5, 0.0), None)])
def test_an_address_that_is_silent_while_another_answers_is_no_loss_of_the_link(
    losses: tuple[float | None, ...], said: str | None
) -> None:
    anchors = [ping("anchor", answers=loss is not None, loss=loss or 0.0) for loss in losses]
    link = named(replace(WELL, ping=[ping("gateway", answers=True), *anchors]), "link")
    assert link.state is State.OK
    assert ("%" in link.what.text, said is None or said in link.what.in_("es")) == (said is not None, True)
