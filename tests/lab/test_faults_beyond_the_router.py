"""Faults of the satellite link, the provider and the server: what the agent has recorded, and what is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labkit import faults
from labkit.names import ANCHORS, HTTP_PAGE, HTTPS_PAGE, ROUTER, SERVER_NAME
from labkit.reading import failures, nothing_is_lost, only
from labkit.serving import Mood
from labkit.telling import comes_back, during

if TYPE_CHECKING:
    from labkit.lab import Lab

pytestmark = pytest.mark.waiting


def test_a_village_that_is_well_says_so(lab: Lab) -> None:
    box = lab.box()
    box.has_patience()
    box.start()
    box.sends("http", 8, 0)
    box.delivers()
    box.stop()
    rows = lab.server.rows
    for role, target in (("gateway", ROUTER), ("anchor", ANCHORS[0])):
        assert failures(only(rows(box.site, "ping", role=role), target)) == {None}
    assert not rows(box.site, "ping", target=ANCHORS[1]), "the others are asked only when the first is silent"
    assert failures(only(rows(box.site, "dns", server=ROUTER), SERVER_NAME)) == {None}
    assert failures(only(rows(box.site, "http"), HTTP_PAGE)) == {None}
    assert failures(only(rows(box.site, "http"), HTTPS_PAGE)) == {None}
    (*_, router) = rows(box.site, "snmp")
    assert router.fields["up"] == 1
    assert float(str(router.fields["uptime_seconds"])) == pytest.approx(lab.router.uptime_seconds, abs=60)
    truth = lab.settled(box.site, at_ms=rows(box.site, "ping")[0].at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_a_cut_backhaul_leaves_the_router_and_is_told_when_the_link_is_back(lab: Lab) -> None:
    told = during(lab, faults.backhaul_cut(lab), http=4, ping=4)
    for anchor in ANCHORS:
        asked = only(told.before("ping", role="anchor"), anchor)
        assert failures(asked) == {"no_reply"}
        assert {row.fields["received"] for row in asked} == {0}
    assert failures(only(told.all("ping", role="gateway"), ROUTER)) == {None}
    assert failures(told.all("snmp")) == {None}
    assert failures(told.before("dns")) == {"dns_timeout"}
    assert failures(told.before("http")) == {"dns_failed"}
    after = told.after("ping", role="anchor")
    assert failures(after) == {None}
    truth = told.settled(at_ms=asked[0].at_ms)
    assert (truth.state, truth.cause) == ("down", "backhaul")
    assert lab.server.truth_at(told.box.site, after[0].at_ms).state == "up"


def test_a_captive_portal_is_told_from_the_internet(lab: Lab) -> None:
    told = during(lab, faults.captive_portal(lab), http=4, ping=4)
    unpaid = told.before("http")
    assert failures(only(unpaid, HTTP_PAGE)) == {"captive_portal"}
    assert {row.fields["status_code"] for row in only(unpaid, HTTP_PAGE)} == {302}
    assert failures(only(unpaid, HTTPS_PAGE)) == {"connection_refused"}
    assert failures(told.all("dns")) == {None}
    assert failures(only(told.all("ping", role="gateway"), ROUTER)) == {None}
    assert failures(told.before("ping", role="anchor")) == {"no_reply"}
    assert failures(told.after("http")) == {None}
    truth = told.settled(at_ms=unpaid[0].at_ms)
    assert (truth.state, truth.cause) == ("down", "account")


def test_names_that_do_not_resolve_are_no_outage(lab: Lab) -> None:
    box = lab.box().start()
    box.delivers()
    rows = lab.server.rows
    for mood, word in (
        (Mood.SILENT, "dns_timeout"),
        (Mood.REFUSES, "dns_refused"),
        (Mood.KNOWS_NOTHING, "dns_nxdomain"),
        (Mood.FAILS, "dns_servfail"),
    ):
        with faults.names_dead(lab, mood):
            since = lab.now_ms()
            box.sends("dns", 3, since)
            box.sends("http", 4, since)
            # The first round may have been asked before it was so.
            assert failures(rows(box.site, "dns", since)[1:]) == {word}
            assert failures(rows(box.site, "http", since)[2:]) == {"dns_failed"}
    box.delivers()
    box.stop()
    assert failures(rows(box.site, "ping")) == {None}
    assert failures(rows(box.site, "snmp")) == {None}
    truth = lab.settled(box.site, at_ms=since)
    assert (truth.state, truth.cause) == ("up", None)


def test_a_link_that_loses_large_packets_alone_is_seen_by_the_pages(lab: Lab) -> None:
    told = during(lab, faults.large_packets_lost(lab), http=4, ping=4)
    assert failures(told.before("ping")) == {None}
    assert failures(told.before("dns")) == {None}
    assert failures(only(told.before("http"), HTTP_PAGE)) == {None}
    assert failures(only(told.before("http"), HTTPS_PAGE)) == {"connect_timeout"}, "its certificate does not come"
    truth = told.settled(at_ms=told.before("http")[0].at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_while_the_server_is_down_the_village_is_up_and_it_is_known_afterwards(lab: Lab) -> None:
    box = lab.box().start()
    box.delivers()
    since = lab.now_ms()
    with faults.server_down(lab):
        box.measures("http", 6)
        held = box.waiting()
        assert held >= 20
        box.kill()
        lab.pass_time(20)
    told = comes_back(lab, box, minutes=0)
    for name in ("ping", "dns", "http", "snmp"):
        assert failures(told.all(name)) == {None}
    meanwhile = [row for row in told.before("ping", role="anchor") if row.at_ms >= since]
    assert len(meanwhile) >= 3
    truth = told.settled(at_ms=meanwhile[-1].at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_while_nobody_reads_the_broker_nothing_is_lost(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("ping", 2, 0)
    with faults.collector_down(lab):
        # It goes on sending: the broker takes everything, and nobody is there to take it from the broker.
        box.measures("ping", 20)
    box.delivers()
    box.stop()
    assert len(lab.server.rows(box.site, "ping", role="anchor")) >= 5
    nothing_is_lost(lab, box)
