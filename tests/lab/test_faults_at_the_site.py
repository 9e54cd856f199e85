"""Faults of the router, the box's cable, the power and the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labkit import faults
from labkit.names import ANCHORS, ROUTER
from labkit.reading import failures, only

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from labkit.lab import Lab

pytestmark = pytest.mark.alone


@pytest.mark.parametrize(
    ("fault", "gateway_words", "anchor_words"),
    [
        # Who is silent for longer than the neighbour table believes in him is unreachable.
        (faults.gateway_silent, {"no_reply", "host_unreachable"}, {"no_reply", "host_unreachable"}),
        (faults.gateway_off, {"no_reply", "host_unreachable"}, {"no_reply", "host_unreachable"}),
        (faults.cable_out, {"no_route"}, {"network_unreachable"}),
    ],
)
def test_without_its_router_the_village_is_down_by_its_own_lan(
    lab: Lab,
    fault: Callable[[Lab], AbstractContextManager[None]],
    gateway_words: set[str],
    anchor_words: set[str],
) -> None:
    box = lab.box()
    with fault(lab):
        box.start()
        box.measures("ping", 6)
        box.measures("snmp", 2)
        box.kill()
    lab.pass_time(20)
    box.start().sends("http", 2, lab.now_ms())
    box.delivers()
    box.stop()
    rows = lab.server.rows
    back = rows(box.site, "boot")[-1].at_ms
    silent = [row for row in rows(box.site, "ping") if row.at_ms < back]
    gateway = [row for row in silent if row.tags["role"] == "gateway"]
    assert failures(gateway) <= gateway_words
    for anchor in ANCHORS:
        assert failures(only(silent, anchor)) <= anchor_words
    assert None not in failures([row for row in rows(box.site, "snmp") if row.at_ms < back])
    assert None not in failures([row for row in rows(box.site, "http") if row.at_ms < back])
    assert failures([row for row in rows(box.site, "ping") if row.at_ms > back]) == {None}
    truth = lab.settled(box.site, at_ms=silent[-1].at_ms)
    assert (truth.state, truth.cause) == ("down", "site_lan")


def test_an_agent_that_was_killed_says_so_and_has_lost_nothing(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("ping", 4, 0)
    box.kill()
    recorded = box.last_seq()
    box.start().sends("boot", 2, 0)
    box.delivers()
    box.stop()
    first, again = lab.server.rows(box.site, "boot")
    assert (first.fields["kind"], first.fields["cause"]) == ("boot", "first_start")
    assert (again.fields["kind"], again.fields["cause"]) == ("restart", "crashed")
    assert again.fields["clean"] == 0
    assert float(str(again.fields["silent_seconds"])) < 5
    seqs = {
        seq for event in lab.server.feed(box.site) for seq in range(event.first_seq or 1, (event.last_seq or 0) + 1)
    }
    assert set(range(1, recorded + 1)) <= seqs
    truth = lab.settled(box.site, at_ms=again.at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_an_agent_that_was_stopped_for_an_hour_claims_no_outage(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("ping", 4, 0)
    box.delivers()
    box.stop()
    stopped_ms = lab.now_ms()
    lab.pass_time(60)
    box.start().delivers()
    box.stop()
    (*_, again) = lab.server.rows(box.site, "boot")
    assert (again.fields["kind"], again.fields["cause"]) == ("restart", "stopped")
    assert float(str(again.fields["silent_seconds"])) == pytest.approx(3_600, abs=10)
    truth = lab.settled(box.site, at_ms=stopped_ms + 30 * 60_000)
    assert truth.state == "unknown"
    assert truth.evidence["stop"] == "stopped"


def test_a_village_that_was_unplugged_was_down_for_power_and_the_router_bears_witness(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("snmp", 2, 0)
    box.delivers()
    box.kill()
    lab.router.stop_snmp()
    out_ms = lab.now_ms()
    lab.pass_time(60)
    lab.router.restart()
    box.plug_in()
    box.start().sends("snmp", 2, lab.now_ms())
    box.delivers()
    box.stop()
    first, again = lab.server.rows(box.site, "boot")
    assert (again.fields["kind"], again.fields["cause"]) == ("boot", "power_lost")
    assert first.at_ms < out_ms < again.at_ms
    assert again.at_ms - out_ms == pytest.approx(3_600_000, abs=15_000)
    (*_, router) = lab.server.rows(box.site, "snmp")
    assert float(str(router.fields["uptime_seconds"])) < 60
    truth = lab.settled(box.site, at_ms=out_ms + 30 * 60_000)
    assert (truth.state, truth.cause) == ("down", "power")
    assert truth.evidence["witness"] == "router"
    assert lab.server.truth_at(box.site, first.at_ms).state == "up"
    assert lab.server.truth_at(box.site, again.at_ms).state == "up"


def test_a_box_that_was_unplugged_alone_is_no_power_cut(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("snmp", 2, 0)
    box.delivers()
    box.kill()
    out_ms = lab.now_ms()
    lab.pass_time(60)
    box.plug_in()
    box.start().sends("snmp", 2, lab.now_ms())
    box.delivers()
    box.stop()
    (*_, again) = lab.server.rows(box.site, "boot")
    assert (again.fields["kind"], again.fields["cause"]) == ("boot", "power_lost")
    truth = lab.settled(box.site, at_ms=out_ms + 30 * 60_000)
    assert truth.state == "unknown"
    assert truth.evidence["router"] == "kept_running"


def test_a_router_that_restarts_alone_is_seen_and_is_no_outage_of_the_box(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("snmp", 3, 0)
    since = lab.now_ms()
    lab.router.restart()
    box.sends("snmp", 4, since)
    box.delivers()
    box.stop()
    rows = lab.server.rows(box.site, "snmp", since)
    restarted = [row for row in rows if row.fields.get("restarted") == 1]
    assert len(restarted) == 1, "once, and not again"
    assert float(str(restarted[0].fields["uptime_seconds"])) < 30
    assert len(lab.server.rows(box.site, "boot")) == 1
    assert failures(only(lab.server.rows(box.site, "ping", role="gateway"), ROUTER)) == {None}
    truth = lab.settled(box.site, at_ms=restarted[0].at_ms)
    assert (truth.state, truth.cause) == ("up", None)
