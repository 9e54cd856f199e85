"""The lab itself: what a fault says it does to the link, it does, and no more."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from labkit import faults
from labkit.names import ANCHORS, ROUTER

if TYPE_CHECKING:
    from labkit.lab import Lab

pytestmark = pytest.mark.alone


def test_a_village_reaches_the_internet_through_its_router(lab: Lab) -> None:
    assert len(lab.ping(ANCHORS[0], 5)) == 5
    assert min(lab.ping(ROUTER, 5)) < 0.05


def test_the_satellite_takes_its_time_and_no_more(lab: Lab) -> None:
    with faults.delay_of(lab, 300) as relay:
        times = lab.ping(ANCHORS[0], 25)
        assert len(times) == 25
        # The quickest alone is nearly the link's own; a busy machine adds to the others.
        assert 0.600 <= min(times) < 0.620
        assert statistics.median(times) < 0.750
        assert min(lab.ping(ROUTER, 3)) < 0.05, "the village itself is not slowed down"
    assert relay.log_tail(1).endswith("packets passed, 0 dropped")
    assert min(lab.ping(ANCHORS[0], 3)) < 0.05
