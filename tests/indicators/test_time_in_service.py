"""Figures of time: a ratio of sums, of what was expected while the site was in service."""

from __future__ import annotations

from datetime import date

import pytest

from aldea.indicators.compute import compute
from aldea.indicators.periods import day_start_ms, period_of
from indicators.june import AVAILABILITY, june
from indicators.world import AFTER_JUNE, DAY, Memory, june_starts, make_site, minutes, pick


def test_an_area_is_a_ratio_of_sums_not_a_mean_of_percentages() -> None:
    memory = Memory([make_site("a"), make_site("b", since_ms=june_starts() + 29 * DAY)])
    memory.truth = minutes("a", june_starts(), up=43_200) + minutes("b", june_starts() + 29 * DAY, up=720, down=720)
    values = june(memory)
    assert pick(values, AVAILABILITY, "site:b").value == 50
    whole = pick(values, AVAILABILITY, "state:Yucatán")
    assert whole.value == pytest.approx(100 * (43_200 + 720) / (43_200 + 1_440))
    assert (whole.coverage, whole.sites_reporting, whole.sites_expected) == (100, 2, 2)


def test_expected_time_is_that_in_service_and_a_day_of_the_zone_may_have_23_hours() -> None:
    zone = "America/Ciudad_Juarez"
    march = period_of("202503")
    since = day_start_ms(date(2025, 3, 8), zone)
    memory = Memory([make_site("a", zone=zone, since_ms=since)])
    memory.truth = minutes("a", since, up=1440)
    (value,) = [
        one
        for one in compute(memory, march, simulated=False, at_ms=AFTER_JUNE)
        if one.indicator == AVAILABILITY and one.area.level == "site"
    ]
    expected = 24 * 24 * 60 - 60
    assert value.coverage == pytest.approx(100 * 1440 / expected)
    assert march.months[0].span_ms(zone)[1] - march.months[0].span_ms(zone)[0] == 31 * DAY - 3_600_000


def test_time_switched_off_as_agreed_is_in_no_numerator_and_no_denominator() -> None:
    memory = Memory([make_site("a")], minutes("a", june_starts(), up=20_000, off=23_200))
    value = pick(june(memory), AVAILABILITY)
    assert (value.value, value.coverage, value.status) == (100, 100, "A")


def test_a_site_not_yet_in_service_has_no_figures() -> None:
    memory = Memory([make_site("a", since_ms=AFTER_JUNE)])
    assert june(memory) == []


def test_a_month_that_runs_is_provisional_and_its_future_is_not_expected() -> None:
    memory = Memory([make_site("a")], minutes("a", june_starts(), up=14_400))
    value = pick(june(memory, at_ms=june_starts() + 10 * DAY), AVAILABILITY)
    assert (value.value, value.coverage, value.status) == (100, 100, "P")
