"""Interval sets against plain sets of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aldea.model.intervals import IntervalSet

_ranges = st.lists(st.tuples(st.integers(1, 60), st.integers(-2, 12)).map(lambda r: (r[0], r[0] + r[1])), max_size=12)


def _numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(_ranges, st.integers(0, 70), st.integers(-2, 40))
def test_it_agrees_with_a_set(ranges: list[tuple[int, int]], first: int, length: int) -> None:
    interval, plain = IntervalSet(ranges), _numbers(ranges)
    wanted = set(range(first, first + length + 1))
    assert _numbers(list(interval)) == plain
    assert len(interval) == len(plain)
    assert interval.highest == max(plain, default=0)
    assert _numbers(interval.missing(first, first + length)) == wanted - plain
    assert _numbers(interval.overlap(first, first + length)) == wanted & plain
    assert {number for number in range(80) if number in interval} == plain
    reach = first - 1
    while reach + 1 in plain:
        reach += 1
    assert interval.contiguous_from(first) == reach


@given(_ranges)
def test_ranges_are_in_order_and_never_touch(ranges: list[tuple[int, int]]) -> None:
    found = list(IntervalSet(ranges))
    assert all(first <= last for first, last in found)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found))


@given(_ranges, st.integers(0, 70), st.integers(0, 40))
def test_holes_and_overlaps_are_in_order_and_within(ranges: list[tuple[int, int]], first: int, length: int) -> None:
    interval = IntervalSet(ranges)
    last = first + length
    for found in (interval.missing(first, last), interval.overlap(first, last)):
        assert found == sorted(found)
        assert all(first <= low <= high <= last for low, high in found)
