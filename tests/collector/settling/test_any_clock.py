"""Whatever the box's clock says, the same village comes to the same truth: from an agent's bytes to days and counts.

Each story is lived twice, with a right clock and with a wrong one that jumps. What is settled must be the same.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings

from aldea.model.clock import ClockState
from delivery.world import DAY, HOUR, START_MS
from settlingkit.lives import CHAPTERS, SLOT, Chapter, check_same, lives, story_of

STORIES = int(os.environ.get("ALDEA_CLOCK_STORIES", "4"))
"""How many stories are made up beside those written down."""
BLIND = Chapter(9, 3, online=False, power_cut=True, error_ms=365 * DAY, state=ClockState.RTC, ntp_steps_in=False)
ROUGH = Chapter(
    6,
    3,
    online=True,
    power_cut=True,
    error_ms=-START_MS,
    state=ClockState.RTC,
    ntp_steps_in=True,
    restarts=True,
    asleep_hours=7,
    loss=0.7,
)
SEEN = Chapter(3, 0, online=True, power_cut=True, error_ms=-HOUR, state=ClockState.UNSYNCED, ntp_steps_in=True)


@settings(max_examples=STORIES)
@given(CHAPTERS)
@example([BLIND, BLIND, SEEN])
@example([SEEN, BLIND])
@example([ROUGH, SEEN, ROUGH])
@example([replace(BLIND, power_cut=False, restarts=True), replace(SEEN, anchor=3, power_cut=False, loss=0.7)])
def test_a_wrong_clock_makes_no_other_truth(chapters: list[Chapter]) -> None:
    right, right_days, _ = lives(chapters, right_clock=True)
    wrong, wrong_days, lived = lives(chapters, right_clock=False)
    began = START_MS // DAY * DAY
    assert all(began <= item.start_ms <= item.end_ms <= lived.world.clock.wall_ms() for item in wrong)
    assert all(one.end_ms == other.start_ms for one, other in pairwise(wrong))
    boots = lived.sources
    if "estimated" in boots:
        assert story_of(wrong) == story_of(right)
    else:
        check_same(wrong, right)
    # A clock that nobody believes may cost counts; it never makes any.
    expected = {item.day: item for item in right_days}
    assert {item.day for item in wrong_days} <= expected.keys()
    for item in wrong_days:
        assert item.unique_devices in {None, 2}
        assert (item.covered_ratio or 0) <= (expected[item.day].covered_ratio or 0) + SLOT / DAY


@pytest.mark.parametrize("error_ms", [-START_MS, 365 * DAY, -HOUR])
def test_a_box_that_has_met_the_server_counts_its_days_as_with_a_right_clock(error_ms: int) -> None:
    chapters = [
        Chapter(hours, 3, online=online, power_cut=False, error_ms=error, state=ClockState.RTC, ntp_steps_in=False)
        for hours, online, error in ((20, True, 0), (9, False, error_ms), (20, True, -error_ms // 2), (9, True, 0))
    ]
    right, right_days, _ = lives(chapters, right_clock=True)
    wrong, wrong_days, _ = lives(chapters, right_clock=False)
    check_same(wrong, right)
    assert len(wrong_days) >= 2
    assert [(d.day, d.unique_devices, d.status) for d in wrong_days] == [
        (d.day, d.unique_devices, d.status) for d in right_days
    ]
