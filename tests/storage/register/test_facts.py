"""A site's dated facts: what held when, and what a change touches."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.storage.register import Register, RegisterError, UnknownEntryError
from aldea.storage.register.facts import (
    Fact,
    NewFact,
    end_fact,
    fact_at,
    fact_history,
    facts_at,
    programmes_at,
    set_fact,
)
from aldea.storage.register.sites import add_sites
from storage.register.places import DAY, entry

ONE_REGISTER = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_a_figure_for_last_year_uses_what_held_last_year(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one", NewFact("provider", "north"))])
        assert set_fact(unit, "one", "provider", "south", 10 * DAY)
        assert fact_at(unit, "one", "provider", 10 * DAY - 1) == "north"
        assert fact_at(unit, "one", "provider", 10 * DAY) == "south"
        assert not set_fact(unit, "one", "provider", "south", 12 * DAY), "nothing changed"
        # Learnt late: between the two there was a third, and what came after it stays.
        assert set_fact(unit, "one", "provider", "west", 5 * DAY)
        assert set_fact(unit, "one", "provider", "east", 5 * DAY), "a correction"
        assert end_fact(unit, "one", "provider", 20 * DAY)
        assert not end_fact(unit, "one", "provider", 21 * DAY)
        found = [(f.value, f.valid_from_ms, f.valid_to_ms) for f in fact_history(unit, "one", "provider")]
        assert found == [
            ("north", DAY, 5 * DAY),
            ("east", 5 * DAY, 10 * DAY),
            ("south", 10 * DAY, 20 * DAY),
        ]
        assert fact_at(unit, "one", "provider", 20 * DAY) is None


def test_a_site_holds_several_programmes_at_once(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one", NewFact("programme", "aldeas", item="aldeas"))])
        set_fact(unit, "one", "programme", "emprende", 2 * DAY, item="emprende")
        end_fact(unit, "one", "programme", 3 * DAY, item="aldeas")
        assert programmes_at(unit, "one", DAY) == ("aldeas",)
        assert programmes_at(unit, "one", 2 * DAY) == ("aldeas", "emprende")
        assert programmes_at(unit, "one", 3 * DAY) == ("emprende",)


def test_facts_of_any_json_shape_come_back_equal(register: Register) -> None:
    hours = {"mon": [["08:00", "14:00"], ["16:00", "20:00"]], "sun": []}
    with register.transaction() as unit:
        add_sites(unit, [entry("one", NewFact("opening_hours", hours), NewFact("population", 812))])
        set_fact(unit, "one", "contracted_down_mbps", 2.5, DAY)
        set_fact(unit, "one", "urban", value=False, from_ms=DAY)
        found = {fact.fact: fact.value for fact in facts_at(unit, "one", DAY)}
    assert found == {
        "opening_hours": hours,
        "population": 812,
        "contracted_down_mbps": 2.5,
        "urban": False,
        "primary_device": "box",
    }


@pytest.mark.parametrize(
    ("fact", "value", "item", "words"),
    [
        ("providr", "x", "", "not known"),
        ("programme", "x", "", "needs an item"),
        ("provider", "x", "x", "takes no item"),
        ("provider", None, "", "no value"),
        ("population", float("nan"), "", "not JSON"),
        ("x_" + "a" * 80, 1, "", "not known"),
    ],
)
def test_a_fact_that_can_not_be_is_refused(register: Register, fact: str, value: object, item: str, words: str) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
        with pytest.raises(RegisterError, match=words):
            set_fact(unit, "one", fact, value, DAY, item=item)
        with pytest.raises(UnknownEntryError, match="'two' is not registered"):
            set_fact(unit, "two", "provider", "x", DAY)


def timeline(spans: tuple[Fact, ...]) -> list[object]:
    """Return the value at each time from 0 to 9."""
    found: list[object] = [None] * 10
    for span in spans:
        for at in range(span.valid_from_ms, span.valid_to_ms or 10):
            assert found[at] is None, "two values at once"
            found[at] = span.value
    return found


@ONE_REGISTER
@given(changes=st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["a", "b", "c", None])), max_size=12))
def test_a_change_holds_until_the_next_recorded_one_and_touches_nothing_else(
    register: Register, changes: list[tuple[int, str | None]]
) -> None:
    with register.transaction() as unit:
        unit.connection.exec_driver_sql("DELETE FROM site")
        add_sites(unit, [entry("one")])
        for at, value in changes:
            before = fact_history(unit, "one", "provider")
            if value is None:
                end_fact(unit, "one", "provider", at)
            else:
                set_fact(unit, "one", "provider", value, at)
            starts = [span.valid_from_ms for span in before if span.valid_from_ms > at]
            ends = [span.valid_to_ms or 10 for span in before if span.valid_from_ms <= at < (span.valid_to_ms or 10)]
            until = min(starts + ends, default=10)
            old = timeline(before)
            expected = old[:at] + [value] * (until - at) + old[until:]
            assert timeline(fact_history(unit, "one", "provider")) == expected
