"""What is true of the figures of any village, and that they are computed quickly."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.june import ACTIVE_DAYS, AVAILABILITY, JUNE_1, OPERATIONAL, REACH, june
from indicators.world import Memory, Programme, course, days, june_starts, make_site, minutes, person, pick

SITE = st.tuples(
    st.sampled_from(["31079", "31104", "07097"]),
    st.integers(0, 43_200),
    st.integers(0, 43_200),
    st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=30),
    st.lists(st.tuples(st.sampled_from("pqrs"), st.integers(0, 5)), max_size=6),
)
STATE = {"31": "Yucatán", "07": "Chiapas"}


def village(drawn: Sequence[tuple[str, int, int, list[int | None], list[tuple[str, int]]]]) -> Memory:
    memory = Memory(owing=[Programme("pro", {"course": "month", "service": "month"})])
    for number, (code, up, down, counts, people) in enumerate(drawn):
        name = f"s{number}"
        where = STATE[code[:2]]
        memory.places.append(make_site(name, code=code, state=where, programmes=["pro"], population_15plus=900))
        memory.truth += minutes(name, june_starts(), up=min(up, 43_200), down=max(0, min(down, 43_200 - up)))
        memory.usage += days(name, JUNE_1, counts)
        if people:
            memory.entries.append(course(name, JUNE_1, [person(code, attended=attended) for code, attended in people]))
    return memory


@settings(max_examples=40)
@given(st.lists(SITE, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_the_whole_is_what_its_parts_add_up_to_in_any_order(
    drawn: list[tuple[str, int, int, list[int | None], list[tuple[str, int]]]], chance: random.Random
) -> None:
    memory = village(drawn)
    values = june(memory)
    for indicator in (AVAILABILITY, OPERATIONAL, ACTIVE_DAYS, REACH):
        whole = pick(values, indicator)
        for level in ("state", "municipality", "site"):
            parts = [one for one in values if (one.indicator, one.area.level, one.programme) == (indicator, level, "")]
            parts = [one for one in parts if not one.disagg]
            assert sum(part.numerator or 0 for part in parts) == pytest.approx(whole.numerator or 0)
            assert sum(part.denominator or 0 for part in parts) == pytest.approx(whole.denominator or 0)
            assert sum(part.sites_expected for part in parts) == whole.sites_expected
    for items in (memory.places, memory.truth, memory.usage, memory.entries):
        chance.shuffle(items)
    assert june(memory) == values


@settings(max_examples=40)
@given(st.lists(SITE, min_size=1, max_size=5))
def test_bounds_contain_the_value_and_ratios_stay_ratios(
    drawn: list[tuple[str, int, int, list[int | None], list[tuple[str, int]]]],
) -> None:
    for value in june(village(drawn)):
        if value.bounds is not None:
            low, high = value.bounds
            assert 0 <= low <= high <= 100 + 1e-9
            if value.value is not None and value.indicator != OPERATIONAL:
                assert low - 1e-9 <= value.value <= high + 1e-9
        assert value.coverage is None or 0 <= value.coverage <= 100
        assert value.status not in {"O", "Q", "L", "M"} or value.value is None


def test_seventy_six_sites_take_less_than_a_second() -> None:
    memory = Memory(owing=[Programme("pro", {"course": "month", "attendance": "month", "service": "month"})])
    for number in range(76):
        name, code = f"s{number}", f"{number % 16 + 1:02d}{number % 40 + 1:03d}"
        memory.places.append(
            make_site(name, code=code, state=f"Estado {number % 16}", programmes=["pro"], population_15plus=900)
        )
        for hour in range(0, 720, 6):
            memory.truth += minutes(name, june_starts() + hour * 3_600_000, up=340, down=20)
        memory.usage += days(name, JUNE_1, [5] * 30)
        memory.entries.append(course(name, JUNE_1 + timedelta(days=3), [person(f"p{one}") for one in range(20)]))
    began = time.process_time()
    values = june(memory)
    assert len(values) > 2 * 8 * 76
    assert time.process_time() - began < 1.5
