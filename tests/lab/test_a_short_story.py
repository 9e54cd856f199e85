"""An hour of a village, told by one box: well, cut off, well again, and all of it known in the end."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from labkit import faults
from labkit.habits import Habits
from labkit.names import ANCHORS
from labkit.reading import nothing_is_lost

if TYPE_CHECKING:
    from labkit.lab import Lab

pytestmark = pytest.mark.waiting

BACKLOG_ROWS = 2_000
SLACK_MS = 10_000


def test_a_cut_in_a_connection_that_holds_loses_nothing_and_the_backlog_comes_in_order(lab: Lab) -> None:
    box = lab.box()
    # All of them are asked once the first is silent, so that seconds without a link fill several batches.
    box.habits(Habits(packets=1, anchors=(*ANCHORS, *(f"198.18.0.{number}" for number in range(1, 251)))))
    box.start().sends("ping", 4, 0, role="anchor")
    cut_ms = lab.now_ms()
    with faults.backhaul_cut(lab):
        box.measures("ping", BACKLOG_ROWS)
    back_ms = lab.now_ms()
    box.sends("ping", 4, back_ms, target=ANCHORS[0])
    box.delivers()
    box.stop()
    pings = lab.server.rows(box.site, "ping", target=ANCHORS[0])
    assert [word for word, _ in groupby(row.failure for row in pings)] == [None, "no_reply", None]
    silent = [row.at_ms for row in pings if row.failure]
    assert cut_ms - SLACK_MS < silent[0] < silent[-1] < back_ms + SLACK_MS
    nothing_is_lost(lab, box)
    arrived = lab.server.feed(box.site)
    backlog = [event for event in arrived if event.lane == "bulk"]
    assert len(backlog) > 1, "there is no order of one"
    assert [event.first_seq for event in backlog] == sorted(event.first_seq or 0 for event in backlog)
    before = arrived[: arrived.index(backlog[0])]
    assert before[-1].lane == "live"
    assert (before[-1].first_seq or 0) > (backlog[-1].last_seq or 0), "what is newest comes first"


def test_an_hour_with_a_cut_becomes_truth_in_the_order_it_was(lab: Lab) -> None:
    box = lab.box().start()
    box.sends("ping", 4, 0)
    box.delivers()
    box.kill()
    well_ms = lab.now_ms()
    lab.pass_time(20)
    with faults.backhaul_cut(lab):
        cut_ms = lab.now_ms()
        box.start()
        box.measures("ping", 6)
        box.kill()
        lab.pass_time(20)
        assert not lab.server.rows(box.site, "ping", cut_ms), "nobody can know yet"
    box.start().sends("ping", 4, lab.now_ms())
    box.delivers()
    box.stop()
    back_ms = lab.now_ms()
    lab.settled(box.site, at_ms=back_ms - 500)
    told = lab.server.truth(box.site, well_ms - 2_000, back_ms)
    known = [(item.state, item.cause) for item in told if item.state != "unknown"]
    assert known == [("up", None), ("down", "backhaul"), ("up", None)]
    down = next(item for item in told if item.state == "down")
    assert down.start_ms <= cut_ms + 5_000 < down.end_ms + 5_000
    nothing_is_lost(lab, box)
