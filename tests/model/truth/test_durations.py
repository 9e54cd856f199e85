"""The arithmetic of availability: worked figures, and what always holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.truth import Durations, Interval, TruthState, durations_between

MINUTE = 60_000
AMOUNTS = st.integers(0, 10**9)
ANY = st.builds(Durations, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)


def minutes(up: int = 0, down: int = 0, planned: int = 0, off: int = 0, unknown: int = 0) -> Durations:
    return Durations(*(part * MINUTE for part in (up, down, planned, off, unknown)))


def percent(ratio: float | None) -> float:
    assert ratio is not None
    return round(ratio * 100, 4)


def test_the_month_of_thirty_days() -> None:
    month = minutes(41_000, 960, 240, 0, 1_000)
    assert month.expected_ms == 43_200 * MINUTE
    assert percent(month.service_ratio) == 97.7121
    assert percent(month.experienced_ratio) == 97.1564
    assert percent(month.coverage_ratio) == 97.6852
    assert month.bounds is not None
    assert (percent(month.bounds.low), percent(month.bounds.high)) == (95.4376, 97.7654)


def test_two_sites_are_a_ratio_of_sums_not_a_mean_of_ratios() -> None:
    both = minutes(41_000, 960, 240, 0, 1_000) + minutes(43_000, 100, 100)
    assert percent(both.service_ratio) == 98.7538


def test_a_month_of_which_half_is_unknown() -> None:
    month = minutes(20_000, 1_000, unknown=22_200)
    assert percent(month.coverage_ratio) == 48.6111
    assert month.bounds is not None
    assert (percent(month.bounds.low), percent(month.bounds.high)) == (46.2963, 97.6852)


def test_nothing_known_has_bounds_of_all_and_nothing() -> None:
    assert minutes(unknown=10).service_ratio is None
    assert minutes(unknown=10).coverage_ratio == 0
    assert minutes(unknown=10).bounds == (0, 1)
    assert minutes().bounds is None
    assert minutes().coverage_ratio is None
    assert minutes(planned=5).service_ratio is None
    assert minutes(planned=5).experienced_ratio == 0


@given(ANY, AMOUNTS)
def test_switched_off_time_changes_no_figure(some: Durations, off_ms: int) -> None:
    other = some + Durations(off_ms=off_ms)
    assert other.expected_ms == some.expected_ms
    assert (other.service_ratio, other.experienced_ratio) == (some.service_ratio, some.experienced_ratio)
    assert (other.coverage_ratio, other.bounds) == (some.coverage_ratio, some.bounds)


@given(ANY)
def test_the_bounds_hold_the_service_figure(some: Durations) -> None:
    if some.bounds is not None and some.service_ratio is not None:
        low, high = some.bounds
        assert low - 1e-12 <= some.service_ratio <= high + 1e-12


@given(st.lists(st.tuples(st.integers(1, 500), st.sampled_from(TruthState)), min_size=1), st.data())
def test_intervals_end_to_end_add_up_to_any_window_over_them(
    parts: list[tuple[int, TruthState]], data: st.DataObject
) -> None:
    intervals, start = [], 1_000
    for length, state in parts:
        intervals.append(Interval("norte", start, start + length, state))
        start += length
    low = data.draw(st.integers(1_000, start))
    high = data.draw(st.integers(low, start))
    assert durations_between(intervals, low, high).total_ms == high - low


@pytest.mark.parametrize("state", TruthState)
def test_each_state_has_a_place_of_its_own(state: TruthState) -> None:
    found = durations_between([Interval("norte", 0, 10, state)], 0, 10)
    assert getattr(found, f"{state.value}_ms") == found.total_ms == 10
