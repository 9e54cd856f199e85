"""Who is never mixed with whom: programmes, towns, simulated villages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from aldea.indicators.evidence import Dated
from indicators.june import AVAILABILITY, JUNE_1, OPERATIONAL, REACH, june
from indicators.world import DAY, LONG_AGO, Memory, course, has, june_starts, make_site, minutes, person, pick


def test_a_site_that_changes_its_programme_is_cut_at_that_moment() -> None:
    middle = june_starts() + 10 * DAY
    site = make_site("a")
    facts = {**site.facts, "programme": [Dated("old", LONG_AGO, middle), Dated("new", middle)]}
    memory = Memory([replace(site, facts=facts)], minutes("a", june_starts(), up=14_400, down=28_800))
    memory.entries = [course("a", date(2025, 6, 5), [person("x")]), course("a", date(2025, 6, 25), [person("y")])]
    values = june(memory)
    assert [pick(values, AVAILABILITY, programme=one).value for one in ("old", "new")] == [100, 0]
    assert pick(values, AVAILABILITY).value == pytest.approx(100 / 3)
    assert pick(values, REACH, programme="new").numerator == 1


def test_a_record_made_for_one_programme_is_in_no_other_ones_figures() -> None:
    memory = Memory([make_site("a", programmes=["one", "two"], population_15plus=100)])
    memory.entries = [
        course("a", JUNE_1, [person("x")], programme="one"),
        course("a", JUNE_1, [person("y"), person("z")]),
    ]
    values = june(memory)
    assert [pick(values, REACH, programme=one).numerator for one in ("one", "two", "")] == [3, 2, 3]


def test_towns_and_simulated_villages_are_in_no_roll_up_of_real_villages() -> None:
    memory = Memory([make_site("a"), make_site("b", urban=True), make_site("c", simulated=True)])
    memory.truth = [one for name in "abc" for one in minutes(name, june_starts(), up=43_200)]
    values = june(memory)
    assert pick(values, OPERATIONAL).denominator == 1
    assert pick(values, OPERATIONAL, setting="urban").denominator == 1
    assert pick(values, OPERATIONAL, "site:b").value == 100
    assert not has(values, OPERATIONAL, "site:c")
    simulated = june(memory, simulated=True)
    assert pick(simulated, OPERATIONAL).denominator == 1
    assert all(value.simulated for value in simulated)
