"""Faults of the satellite link, the provider and the server: what the agent has recorded, and what is settled."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from labkit import faults
from labkit.names import ANCHORS, HTTP_PAGE, HTTPS_PAGE, ROUTER, SERVER_NAME
from labkit.reading import failures, only
from labkit.serving import Mood

if TYPE_CHECKING:
    from labkit.lab import Lab

pytestmark = pytest.mark.alone


def test_a_village_that_is_well_says_so(lab: Lab) -> None:
    box = lab.box().start()
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
    assert float(str(router.fields["uptime_seconds"])) == pytest.approx(lab.router.uptime_seconds, abs=10)
    truth = lab.settled(box.site, at_ms=rows(box.site, "ping")[0].at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_a_cut_backhaul_leaves_the_router_and_is_told_when_the_link_is_back(lab: Lab) -> None:
    box = lab.box()
    with faults.backhaul_cut(lab):
        box.start()
        box.measures("http", 4)
        box.measures("ping", 4)
        box.kill()
    lab.pass_time(20)
    box.start().sends("http", 2, lab.now_ms())
    box.delivers()
    box.stop()
    rows = lab.server.rows
    back = rows(box.site, "boot")[-1].at_ms
    for anchor in ANCHORS:
        asked = [row for row in only(rows(box.site, "ping", role="anchor"), anchor) if row.at_ms < back]
        assert failures(asked) == {"no_reply"}
        assert {row.fields["received"] for row in asked} == {0}
    assert failures(only(rows(box.site, "ping", role="gateway"), ROUTER)) == {None}
    assert failures(rows(box.site, "snmp")) == {None}
    assert failures([row for row in rows(box.site, "dns") if row.at_ms < back]) == {"dns_timeout"}
    assert failures([row for row in rows(box.site, "http") if row.at_ms < back]) == {"dns_failed"}
    after = [row for row in rows(box.site, "ping", role="anchor") if row.at_ms >= back]
    assert failures(after) == {None}
    truth = lab.settled(box.site, at_ms=asked[0].at_ms)
    assert (truth.state, truth.cause) == ("down", "backhaul")
    assert lab.server.truth_at(box.site, after[0].at_ms).state == "up"


def test_a_captive_portal_is_told_from_the_internet(lab: Lab) -> None:
    box = lab.box()
    with faults.captive_portal(lab):
        box.start()
        box.measures("http", 4)
        box.measures("ping", 4)
        box.kill()
    lab.pass_time(20)
    box.start().delivers()
    box.stop()
    rows = lab.server.rows
    back = rows(box.site, "boot")[-1].at_ms
    paid = [row for row in rows(box.site, "http") if row.at_ms < back]
    assert failures(only(paid, HTTP_PAGE)) == {"captive_portal"}
    assert {row.fields["status_code"] for row in only(paid, HTTP_PAGE)} == {302}
    assert failures(only(paid, HTTPS_PAGE)) == {"connection_refused"}
    assert failures(rows(box.site, "dns")) == {None}
    assert failures(only(rows(box.site, "ping", role="gateway"), ROUTER)) == {None}
    asked = [row for row in rows(box.site, "ping", role="anchor") if row.at_ms < back]
    assert failures(asked) == {"no_reply"}
    truth = lab.settled(box.site, at_ms=paid[0].at_ms)
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
            since = lab.now_ms() + 100
            box.sends("dns", 2, since)
            box.sends("http", 2, since)
        within = lab.server.rows(box.site, "dns", since)
        assert word in failures(within)
        assert "dns_failed" in failures(lab.server.rows(box.site, "http", since))
    box.delivers()
    box.stop()
    assert failures(rows(box.site, "ping")) == {None}
    assert failures(rows(box.site, "snmp")) == {None}
    truth = lab.settled(box.site, at_ms=since)
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
    box.start().delivers()
    box.stop()
    rows = lab.server.rows
    back = rows(box.site, "boot")[-1].at_ms
    for name in ("ping", "dns", "http", "snmp"):
        assert failures(rows(box.site, name)) == {None}
    meanwhile = [row for row in rows(box.site, "ping", since, role="anchor") if row.at_ms < back]
    assert len(meanwhile) >= 3
    truth = lab.settled(box.site, at_ms=meanwhile[-1].at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_while_nobody_reads_the_broker_nothing_is_lost(lab: Lab) -> None:
    box = lab.box()
    with faults.collector_down(lab):
        box.start()
        box.measures("ping", 10)
    box.delivers()
    box.stop()
    stored = lab.server.rows(box.site, "ping", role="anchor")
    gaps = [after.at_ms - before.at_ms for before, after in pairwise(stored)]
    assert len(stored) >= 5
    assert max(gaps) < 1_000, "a round is missing"
