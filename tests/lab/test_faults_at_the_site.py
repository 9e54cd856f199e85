"""Faults of the router, the box's cable, the power and the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from labkit import faults
from labkit.names import ANCHORS, ROUTER
from labkit.reading import failures, nothing_is_lost, only
from labkit.telling import comes_back, during

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from labkit.box import Box
    from labkit.lab import Lab

pytestmark = pytest.mark.waiting


class Words(NamedTuple):
    """The words of failure that each probe may have, and no other."""

    gateway: set[str]
    anchor: set[str]
    dns: set[str]


# Who is silent for longer than the neighbour table believes in him is unreachable.
_SILENT = Words({"no_reply", "host_unreachable"}, {"no_reply", "host_unreachable"}, {"dns_timeout", "host_unreachable"})
_NOWHERE = Words({"no_route"}, {"network_unreachable"}, {"network_unreachable"})


@pytest.mark.parametrize(
    ("fault", "words"), [(faults.gateway_silent, _SILENT), (faults.gateway_off, _SILENT), (faults.cable_out, _NOWHERE)]
)
def test_without_its_router_the_village_is_down_by_its_own_lan(
    lab: Lab, fault: Callable[[Lab], AbstractContextManager[None]], words: Words
) -> None:
    told = during(lab, fault(lab), ping=6, dns=1, http=2, snmp=2)
    assert failures(told.before("ping", role="gateway")) <= words.gateway
    silent = told.before("ping", role="anchor")
    for anchor in ANCHORS:
        assert failures(only(silent, anchor)) <= words.anchor
    assert failures(told.before("snmp")) == {"snmp_timeout"}
    assert failures(told.before("dns")) <= words.dns
    assert failures(told.before("http")) == {"dns_failed"}
    assert failures(told.after("ping")) == {None}
    truth = told.settled(at_ms=silent[-1].at_ms)
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
    assert float(str(again.fields["silent_seconds"])) < 60
    assert box.last_seq() > recorded
    nothing_is_lost(lab, box)
    truth = lab.settled(box.site, at_ms=again.at_ms)
    assert (truth.state, truth.cause) == ("up", None)


def test_an_agent_that_was_stopped_for_an_hour_claims_no_outage(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("ping", 4, 0)
    box.delivers()
    box.stop()
    stopped_ms = lab.now_ms()
    told = comes_back(lab, box, minutes=60)
    (*_, again) = told.all("boot")
    assert (again.fields["kind"], again.fields["cause"]) == ("restart", "stopped")
    assert float(str(again.fields["silent_seconds"])) == pytest.approx(3_600, abs=60)
    truth = told.settled(at_ms=stopped_ms + 30 * 60_000)
    assert truth.state == "unknown"
    assert truth.evidence["stop"] == "stopped"


def _begins(box: Box) -> None:
    """Wait until it is known that the village was up: on a busy machine that is later than what the router said."""
    box.sends("snmp", 3, 0)
    box.sends("ping", 2, 0, role="anchor")


def test_a_village_that_was_unplugged_was_down_for_power_and_the_router_bears_witness(lab: Lab) -> None:
    box = lab.box().start()
    _begins(box)
    box.delivers()
    box.kill()
    lab.router.stop_snmp()
    out_ms = lab.now_ms()
    lab.pass_time(60)
    lab.router.restart()
    box.plug_in()
    told = comes_back(lab, box, minutes=0, sees="snmp")
    first, again = told.all("boot")
    assert (again.fields["kind"], again.fields["cause"]) == ("boot", "power_lost")
    assert first.at_ms < out_ms < again.at_ms
    assert again.at_ms - out_ms == pytest.approx(3_600_000, abs=60_000)
    (*_, router) = told.after("snmp")
    assert float(str(router.fields["uptime_seconds"])) < 120
    truth = told.settled(at_ms=out_ms + 30 * 60_000)
    assert (truth.state, truth.cause) == ("down", "power")
    assert truth.evidence["witness"] == "router"
    assert lab.server.truth_at(box.site, first.at_ms).state == "up"
    assert lab.server.truth_at(box.site, again.at_ms).state == "up"


def test_a_box_that_was_unplugged_alone_is_no_power_cut(lab: Lab) -> None:
    box = lab.box().start()
    _begins(box)
    box.delivers()
    box.kill()
    out_ms = lab.now_ms()
    lab.pass_time(60)
    box.plug_in()
    told = comes_back(lab, box, minutes=0, sees="snmp")
    (*_, again) = told.all("boot")
    assert (again.fields["kind"], again.fields["cause"]) == ("boot", "power_lost")
    truth = told.settled(at_ms=out_ms + 30 * 60_000)
    assert truth.state == "unknown"
    assert truth.evidence["router"] == "kept_running"


def test_a_router_that_restarts_alone_is_seen_and_is_no_outage_of_the_box(lab: Lab) -> None:
    box = lab.box().start()
    _begins(box)
    since = lab.now_ms()
    lab.router.restart()
    box.sends("snmp", 4, since)
    box.delivers()
    box.stop()
    rows = lab.server.rows(box.site, "snmp", since)
    restarted = [row for row in rows if row.fields.get("restarted") == 1]
    assert len(restarted) == 1, "once, and not again"
    assert float(str(restarted[0].fields["uptime_seconds"])) < 120
    assert len(lab.server.rows(box.site, "boot")) == 1
    assert failures(only(lab.server.rows(box.site, "ping", role="gateway"), ROUTER)) == {None}
    truth = lab.settled(box.site, at_ms=restarted[0].at_ms)
    assert (truth.state, truth.cause) == ("up", None)
