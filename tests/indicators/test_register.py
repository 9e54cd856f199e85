"""A month on a real register: from what is stored to what is published, closed and revised."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from aldea.indicators.periods import day_start_ms, period_of
from aldea.indicators.stored import value_of
from aldea.indicators.values import Value
from aldea.indicators.work import IndicatorWork
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, RegisterError
from aldea.storage.register.facts import set_fact
from aldea.storage.register.indicator_values import ValueFilter, known_periods, read_values, value_revisions
from aldea.storage.register.records import withdraw_record
from aldea.storage.register.simulated import remove_simulated
from indicators.filled import count_devices, enter, plan, register_site, settle
from indicators.world import DAY, MINUTE, minutes, person, pick

JUAREZ = "America/Ciudad_Juarez"
MARCH = day_start_ms(date(2026, 3, 1), JUAREZ)
MIDDLE = day_start_ms(date(2026, 3, 7), JUAREZ)
LATER = day_start_ms(date(2026, 4, 20), JUAREZ)
AVAILABILITY, ACTIVE_DAYS, REACH = "acc_availability_total_pct", "use_active_days_pct", "apr_training_reach_per_1000"


def stored(register: Register, period: str, *, simulated: bool = False) -> list[Value]:
    with register.reading() as unit:
        return [value_of(one) for one in read_values(unit, ValueFilter(simulated, periods=[period], disagg=None))]


def golden(register: Register, *, simulated: bool = False, name: str = "norte") -> None:
    plan(register, f"red-{name}", {"course": "month"}, simulated=simulated)
    register_site(
        register,
        name,
        zone=JUAREZ,
        since_ms=MIDDLE,
        simulated=simulated,
        programmes=[f"red-{name}"],
        facts={"state_name": "Chihuahua", "inegi_code": "080370001", "population_15plus": 800},
    )
    settle(register, minutes(name, MIDDLE, up=30_000, down=600, planned=300, unknown=4_980), at_ms=MIDDLE)
    counts = {date(2026, 3, 7) + timedelta(days=step): (0 if step < 5 else 7) for step in range(20)}
    count_devices(register, name, counts, at_ms=MIDDLE)
    people = [person(f"p{number}", enrolled=date(2026, 3, 10)) for number in range(12)]
    enter(register, name, "course", date(2026, 3, 10), {"sessions_planned": 4, "participants": people}, at_ms=MIDDLE)


def test_a_month_with_a_short_day_and_a_site_that_began_in_its_middle(register: Register) -> None:
    golden(register)
    clock = ManualClock(LATER)
    IndicatorWork(register, clock).publish(period_of("202603"), simulated=False)
    values = stored(register, "202603")
    expected = 25 * 24 * 60 - 60
    value = pick(values, AVAILABILITY, "site:norte")
    assert (value.numerator, value.denominator) == (30_000, 30_900)
    assert value.coverage == pytest.approx(100 * 30_900 / expected)
    bounds = [100 * 30_000 / expected, 100 * (expected - 900) / expected]
    assert list(value.bounds or ()) == pytest.approx(bounds)
    assert value.status == "A"
    active = pick(values, ACTIVE_DAYS, "state:Chihuahua")
    assert (active.numerator, active.denominator, active.coverage) == (15, 20, 80)
    reach = pick(values, REACH, "municipality:08037", "red-norte")
    assert (reach.value, reach.status, reach.coverage, reach.n) == (15, "A", 100, 12)


def test_real_and_simulated_villages_are_computed_apart_and_leave_apart(register: Register) -> None:
    golden(register)
    golden(register, simulated=True, name="aldea")
    IndicatorWork(register, ManualClock(LATER)).step()
    for simulated in (False, True):
        values = stored(register, "202603", simulated=simulated)
        assert {value.simulated for value in values} == {simulated}
        assert pick(values, AVAILABILITY).sites_expected == 1
    with register.transaction() as unit:
        assert remove_simulated(unit)["indicator_value"] > 8
    assert stored(register, "202603", simulated=True) == []
    assert stored(register, "202603")


def test_a_step_without_news_does_nothing_and_a_fact_is_news(register: Register) -> None:
    golden(register)
    clock = ManualClock(LATER)
    work = IndicatorWork(register, clock)
    done = work.step()
    assert [one.period for one in done] == ["202603", "202604"]
    clock.advance(10 * MINUTE)
    assert work.step() == []
    with register.transaction() as unit:
        set_fact(unit, "norte", "population_15plus", 900, MIDDLE + 20 * DAY)
    clock.advance(10 * MINUTE)
    assert "202603" in {one.period for one in work.step()}


def test_a_closed_value_is_never_overwritten_and_late_data_makes_a_revision(register: Register) -> None:
    golden(register)
    clock = ManualClock(MARCH + 33 * DAY)
    work = IndicatorWork(register, clock)
    work.step()
    provisional = pick(stored(register, "202603"), REACH, "site:norte")
    assert (provisional.status, provisional.numerator) == ("P", 12)
    late = [person("late", enrolled=date(2026, 3, 10))]
    enter(register, "norte", "course", date(2026, 3, 12), {"participants": late}, at_ms=clock.wall_ms())
    clock.advance(10 * DAY)
    work.step()
    clock.advance(DAY)
    enter(register, "norte", "course", date(2026, 3, 13), {"participants": [person("last")]}, at_ms=clock.wall_ms())
    clock.advance(MINUTE)
    work.step()
    with register.reading() as unit:
        only = ValueFilter(simulated=False, indicators=[REACH], periods=["202603"], level="site", programme="")
        (newest,) = read_values(unit, only)
        history = value_revisions(unit, newest)
        (other,) = read_values(unit, ValueFilter(False, [AVAILABILITY], ["202603"], level="site", programme=""))
    assert [(one.revision, one.numerator, one.closed, one.newest) for one in history] == [
        (1, 13, True, False),
        (2, 14, True, True),
    ]
    assert (other.revision, other.closed) == (1, True), "what did not change has no new revision"


def test_a_cohort_stays_open_until_its_time_is_over(register: Register) -> None:
    golden(register)
    clock = ManualClock(LATER)
    work = IndicatorWork(register, clock)
    work.step()
    completion = "apr_course_completion_pct"
    assert pick(stored(register, "202603"), completion).status == "P"
    clock.advance(60 * DAY)
    work.step()
    value = pick(stored(register, "202603"), completion)
    assert (value.value, value.denominator, value.status) == (0, 12, "A")


def test_a_withdrawn_record_leaves_no_figure_of_its_own(register: Register) -> None:
    golden(register)
    clock = ManualClock(LATER)
    work = IndicatorWork(register, clock)
    found = enter(
        register,
        "norte",
        "service",
        date(2026, 3, 11),
        {"services": [{"travel_hours_avoided": 2, "sex": "F"}]},
        at_ms=MIDDLE,
    )
    work.step()
    travel = "wel_travel_avoided_hours"
    assert pick(stored(register, "202603"), travel, sex="F").value == 2
    with register.transaction() as unit:
        withdraw_record(unit, found.id, reason="twice", author=None, at_ms=clock.wall_ms())
    clock.advance(MINUTE)
    work.step()
    values = stored(register, "202603")
    assert pick(values, travel).status == "L"
    gone = pick(values, travel, sex="F")
    assert (gone.value, gone.status, gone.notes) == (None, "M", ("no_longer_computed",))
    clock.advance(2 * 3_600_000)
    work.step()
    assert pick(stored(register, "202603"), travel, sex="F").notes == ("no_longer_computed",)


def test_pages_of_values_follow_each_other_and_a_cursor_that_is_none_is_refused(register: Register) -> None:
    golden(register)
    IndicatorWork(register, ManualClock(LATER)).step()
    everything = ValueFilter(simulated=False, disagg=None)
    with register.reading() as unit:
        whole = read_values(unit, everything)
        paged, after = [], None
        while page := read_values(unit, everything, limit=7, after=after):
            paged += page
            after = page[-1].id
        assert paged == whole
        assert known_periods(unit, simulated=False) == ("202603", "202604")
        with pytest.raises(RegisterError, match="begin anew"):
            read_values(unit, everything, after=10**9)
