"""Intervals, order statistics and small counts, against what must hold for any of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.indicators import statistics as stats
from aldea.indicators.disclosure import is_small, protected, suppressed_parts
from aldea.indicators.terms import Disclosure

PARTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(PARTS)
def test_intervals_contain_the_proportion_and_mirror_its_complement(part: tuple[int, int]) -> None:
    x, n = part
    for interval in (stats.wilson, stats.clopper_pearson):
        low, high = interval(x, n)
        assert 0 <= low <= x / n <= high <= 1
        assert list(interval(n - x, n)) == [pytest.approx(1 - high), pytest.approx(1 - low)]


@given(st.floats(0.01, 0.99), st.floats(0.5, 200), st.floats(0.5, 200))
def test_the_quantile_undoes_the_distribution(p: float, a: float, b: float) -> None:
    x = stats.beta_quantile(p, a, b)
    assert stats.beta_cdf(x, a, b) == pytest.approx(p, abs=1e-6) or x in {0.0, 1.0} or 1 - x < 1e-12


def test_the_distribution_at_places_known_in_closed_form() -> None:
    assert stats.beta_cdf(0.3, 1, 1) == pytest.approx(0.3)
    assert stats.beta_cdf(0.5, 2, 2) == pytest.approx(0.5)
    assert stats.beta_cdf(0.2, 1, 5) == pytest.approx(1 - 0.8**5)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(1, 100))
def test_an_order_statistic_is_a_measured_value_that_enough_reach(values: list[int], percent: int) -> None:
    found = stats.reached_by(values, percent)
    assert found in values
    assert 100 * sum(value >= found for value in values) >= percent * len(values)
    low = stats.percentile(values, percent)
    assert 100 * sum(value <= low for value in values) >= percent * len(values)


@pytest.mark.parametrize(("x", "n"), [(1, 0), (5, 4), (-1, 3)])
def test_what_is_no_proportion_is_refused(x: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        stats.wilson(x, n)
    with pytest.raises(ValueError, match=r"can't be|no proportion"):
        stats.response_bounds(x, n, n)
    with pytest.raises(ValueError, match="order statistic"):
        stats.percentile([], 50)


@pytest.mark.parametrize(
    ("kind", "x", "n", "public", "analyst"),
    [
        (Disclosure.SHARE, 4, 40, True, False),
        (Disclosure.SHARE, 5, 40, False, False),
        (Disclosure.SHARE, 0, 40, False, False),
        (Disclosure.SHARE, 37, 40, True, False),
        (Disclosure.SHARE, 40, 40, False, False),
        (Disclosure.SHARE, 5, 9, True, False),
        (Disclosure.SHARE, 2, 4, True, True),
        (Disclosure.SHARE, 0, 0, False, False),
        (Disclosure.RATE, 2.0, 40, False, False),
        (Disclosure.RATE, 2.0, 9, True, False),
        (Disclosure.NONE, 1, 2, False, False),
    ],
)
def test_small_counts_are_those_that_point_at_somebody(
    kind: Disclosure, x: float, n: float, public: bool, analyst: bool
) -> None:
    assert is_small(kind, x, n) is public
    assert is_small(kind, x, n, analyst=True) is analyst


def test_a_part_that_follows_by_subtraction_goes_too() -> None:
    assert suppressed_parts([3, 12, 25]) == (True, True, False)
    assert suppressed_parts([3, 4, 25]) == (True, True, False)
    assert suppressed_parts([0, 12, 25]) == (False, False, False)
    assert suppressed_parts([3, 12, 25], total_shown=False) == (True, False, False)


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=5), min_size=1, max_size=5))
def test_no_hidden_figure_can_be_worked_out_from_those_that_are_shown(groups: list[list[int]]) -> None:
    counts: dict[str, float] = {"all": sum(map(sum, groups))}
    tree: dict[str, list[str]] = {"all": []}
    for number, parts in enumerate(groups):
        name = f"g{number}"
        tree["all"].append(name)
        counts[name] = sum(parts)
        tree[name] = [f"{name}.{place}" for place in range(len(parts))]
        counts |= {f"{name}.{place}": count for place, count in enumerate(parts)}
    small = {name for name, count in counts.items() if 0 < count < 10}
    sums = [[total, *parts] for total, parts in tree.items()]
    hidden = protected(sums, counts, small)
    assert small <= hidden
    for keys in sums:
        assert sum(key in hidden for key in keys if counts[key]) != 1 or sum(counts[key] > 0 for key in keys) == 1
