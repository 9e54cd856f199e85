"""What is published of a figure: coverage, withholding, null and zero."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aldea.indicators.values import one_decimal
from indicators.june import ACTIVE_DAYS, AVAILABILITY, JUNE_1, OPERATIONAL, june
from indicators.world import Memory, days, june_starts, make_site, minutes, pick


@pytest.mark.parametrize(("known", "status"), [(80, "A"), (79, "U"), (50, "U"), (49, "O"), (0, "O")])
def test_coverage_decides_what_is_published(known: int, status: str) -> None:
    memory = Memory([make_site("a")], minutes("a", june_starts(), up=432 * known))
    value = pick(june(memory), AVAILABILITY, "site:a")
    assert value.status == status
    assert (value.value is None) == (status == "O")
    assert value.bounds == (known, 100)


def test_an_area_of_which_too_few_sites_report_is_withheld_whatever_its_minutes() -> None:
    sites = [make_site(name) for name in "abcde"]
    memory = Memory(sites, minutes("a", june_starts(), up=43_200) + minutes("b", june_starts(), up=43_200))
    value = pick(june(memory), AVAILABILITY)
    assert (value.sites_reporting, value.sites_expected, value.status) == (2, 5, "O")
    memory.truth += minutes("c", june_starts(), up=43_200) + minutes("d", june_starts(), up=21_600)
    assert pick(june(memory), AVAILABILITY).status == "U"


def test_a_site_of_which_little_is_known_stays_in_the_denominator() -> None:
    sites = [make_site(name) for name in "abcdef"]
    memory = Memory(sites, [one for name in "abcde" for one in minutes(name, june_starts(), up=43_200)])
    value = pick(june(memory), OPERATIONAL)
    assert (value.numerator, value.denominator) == (5, 6)
    assert list(value.bounds or ()) == pytest.approx([500 / 6, 100])


def test_what_a_device_cannot_see_is_not_collected_never_zero() -> None:
    blind = replace(make_site("a"), sees_clients=False)
    bare = replace(make_site("b", code="07097", state="Chiapas"), measured=False)
    values = june(Memory([blind, bare], minutes("a", june_starts(), up=43_200)))
    assert pick(values, ACTIVE_DAYS, "site:a").status == "L"
    assert pick(values, AVAILABILITY, "site:b").status == "L"
    assert pick(values, AVAILABILITY, "site:a").status == "A"


def test_null_is_missing_and_zero_is_a_count() -> None:
    some = Memory([make_site("a")], usage=days("a", JUNE_1, [0] * 30))
    none = Memory([make_site("a")], usage=days("a", JUNE_1, [None] * 30))
    assert (pick(june(some), ACTIVE_DAYS).value, pick(june(some), ACTIVE_DAYS).status) == (0, "A")
    assert (pick(june(none), ACTIVE_DAYS).value, pick(june(none), ACTIVE_DAYS).status) == (None, "O")


def test_a_day_of_which_too_little_was_seen_is_not_covered() -> None:
    memory = Memory([make_site("a")], usage=days("a", JUNE_1, [5] * 30))
    memory.usage[3:6] = [replace(one, status="U", covered_ratio=0.7) for one in memory.usage[3:6]]
    memory.usage[9] = replace(memory.usage[9], status="U", covered_ratio=0.95)
    assert pick(june(memory), ACTIVE_DAYS).denominator == 27


def test_a_value_is_shown_with_one_decimal_half_up_from_the_exact_ratio() -> None:
    assert str(one_decimal(0.25)) == "0.3"
    assert str(one_decimal(6.25, 1, 16, 100)) == "6.3"
    assert str(one_decimal(-0.04)) == "0.0"
