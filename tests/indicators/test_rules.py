"""The rules that every figure obeys: sums, coverage, withholding, null and zero, who is never mixed with whom."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.compute import compute
from aldea.indicators.evidence import Dated
from aldea.indicators.methods import METHODS
from aldea.indicators.periods import PeriodError, day_start_ms, period_of
from aldea.indicators.values import Value, one_decimal
from indicators.world import (
    AFTER_JUNE,
    DAY,
    JUNE,
    LONG_AGO,
    ZONE,
    Entry,
    Memory,
    Programme,
    course,
    days,
    has,
    june_starts,
    make_site,
    minutes,
    nothing,
    person,
    pick,
)

AVAILABILITY, OPERATIONAL, ACTIVE_DAYS = (
    "acc_availability_total_pct",
    "acc_sites_operational_pct",
    "use_active_days_pct",
)
REACH, COMPLETION = "apr_training_reach_per_1000", "apr_course_completion_pct"
PROJECT, TRAVEL, IMPROVED = "use_productive_project_pct", "wel_travel_avoided_hours", "wel_business_improved_pct"
JUNE_1 = date(2025, 6, 1)


def june(memory: Memory, *, at_ms: int = AFTER_JUNE, simulated: bool = False) -> list[Value]:
    return compute(memory, JUNE, simulated=simulated, at_ms=at_ms)


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


def owing(*names: str, **duties: str) -> Memory:
    sites = [make_site(name, programmes=["pro"], population_15plus=500, code=f"31079000{name}") for name in names]
    return Memory(sites, owing=[Programme("pro", duties)])


def test_reports_that_are_owed_make_the_coverage_and_nothing_happened_is_a_report() -> None:
    memory = owing(*"12345", course="month", attendance="month")
    memory.entries = [course("1", date(2025, 6, 4), [person("x"), person("y")])]
    memory.entries += [nothing(name, "course") for name in "234"] + [nothing(name, "attendance") for name in "12345"]
    value = pick(june(memory), REACH, programme="pro")
    assert (value.numerator, value.denominator, value.coverage) == (2, 2500, 90)
    assert (value.sites_reporting, value.sites_expected, value.status) == (4, 5, "A")
    zero = pick(june(memory), REACH, "site:2", "pro")
    assert (zero.value, zero.status) == (0, "A")
    assert pick(june(memory), REACH, "site:5", "pro").status == "U"
    memory.entries = [entry for entry in memory.entries if entry.site == "1"]
    assert pick(june(memory), REACH, programme="pro").status == "O"
    assert pick(june(memory), REACH, "site:2", "pro").status == "O"


def test_while_the_month_runs_no_report_is_overdue() -> None:
    memory = owing(*"12345", course="month")
    memory.entries = [course("1", date(2025, 6, 4), [person("x")])]
    value = pick(june(memory, at_ms=june_starts() + 9 * DAY), REACH)
    assert (value.numerator, value.status, value.notes) == (1, "P", ("reports_still_due",))
    assert value.value is not None


def test_a_report_of_the_quarter_is_owed_once() -> None:
    memory = owing("1", project_use="quarter")
    used = {"project": "miel", "used_last_30_days": True}
    memory.entries = [Entry("1", "project_use", date(2025, 5, 6), used, "pro")]
    may = compute(memory, period_of("202505"), simulated=False, at_ms=AFTER_JUNE)
    assert (pick(may, PROJECT).value, pick(may, PROJECT).coverage) == (100, 100)
    assert pick(june(memory), PROJECT).coverage == 100
    assert pick(june(memory), PROJECT).status == "M"
    april = compute(memory, period_of("202504"), simulated=False, at_ms=AFTER_JUNE)
    assert pick(april, PROJECT).status == "L"
    quarter = compute(memory, period_of("2025Q2"), simulated=False, at_ms=AFTER_JUNE)
    assert (pick(quarter, PROJECT).value, pick(quarter, PROJECT).coverage) == (100, 100)
    memory.entries = []
    assert pick(june(memory), PROJECT).status == "O"


def test_without_a_duty_nobody_knows_how_much_is_missing() -> None:
    memory = Memory([make_site("a", population_15plus=100)], entries=[course("a", JUNE_1, [person("x")])])
    value = pick(june(memory), REACH)
    assert (value.status, value.coverage, value.notes) == ("U", None, ("coverage_unknown",))
    assert pick(june(memory), TRAVEL).status == "L"


def test_projects_are_judged_by_their_newest_answer_and_unassessed_sites_are_in_the_bounds() -> None:
    memory = owing(*"12345", project_use="month")
    answers = [("1", 3, "miel", True), ("1", 20, "miel", False), ("2", 3, "miel", False), ("2", 4, "pan", True)]
    memory.entries = [
        Entry(site, "project_use", date(2025, 6, day), {"project": project, "used_last_30_days": used}, "pro")
        for site, day, project, used in answers
    ]
    memory.entries += [nothing("3", "project_use"), nothing("4", "project_use")]
    value = pick(june(memory), PROJECT)
    assert (value.numerator, value.denominator, value.bounds) == (1, 4, (20, 40))


def test_a_session_makes_persons_of_codes_and_never_of_counts() -> None:
    memory = owing("1")
    tally = [{"sex": "F", "age_band": "15-24", "count": 9}]
    memory.entries = [
        course("1", date(2025, 6, 3), [person("x"), person("y", attended=0)]),
        Entry("1", "course_session", date(2025, 6, 4), {"participants": [person("x"), person("y"), person("z")]}),
        Entry("1", "course_session", date(2025, 6, 11), {"participants": [person("z")], "tally": tally}),
    ]
    memory.entries.append(Entry("1", "attendance", date(2025, 6, 12), {"participants": [person("X")]}))
    value = pick(june(memory), REACH, "site:1")
    assert (value.numerator, "unkeyed" in value.notes) == (3, True), "x and X is one code, as forms take it"
    assert pick(june(memory), COMPLETION, "site:1").numerator == 0, "who completed is said in the course alone"
    memory.entries = [Entry("1", "attendance", date(2025, 6, 11), {"participants": [], "tally": tally})]
    counted = pick(june(memory), REACH, "site:1")
    assert (counted.numerator, "unkeyed" in counted.notes) == (0, True)


def test_persons_are_distinct_and_counted_anew_in_each_area() -> None:
    memory = owing("1", "2")
    memory.entries = [
        course("1", date(2025, 6, 3), [person("x"), person("y", attended=0)]),
        Entry("1", "attendance", date(2025, 6, 9), {"participants": [person("x"), person("z")], "unkeyed": 3}),
        course("2", date(2025, 6, 3), [person("x")]),
        course("2", date(2025, 6, 3), [person("s", attended=1)], mode="self_paced", sessions_planned=5),
    ]
    values = june(memory)
    assert pick(values, REACH, "site:1").numerator == 2
    assert pick(values, REACH).numerator == 3, "the same code at another site is somebody else"
    assert "unkeyed" in pick(values, REACH).notes
    by_sex = pick(values, REACH, sex="F")
    assert (by_sex.numerator, by_sex.value, by_sex.status) == (3, None, "L")


def test_a_locality_with_two_sites_has_its_inhabitants_once() -> None:
    sites = [make_site(name, code="310790001", population_15plus=800) for name in "ab"]
    values = june(Memory(sites, entries=[course("a", JUNE_1, [person("x")])]))
    assert pick(values, REACH).denominator == 800


def test_an_enrolment_counts_in_its_own_month_and_once_it_is_old_enough() -> None:
    people = [
        person("x", enrolled=date(2025, 6, 1), completed=date(2025, 8, 30)),
        person("y", enrolled=date(2025, 6, 1), completed=date(2025, 8, 31)),
        person("z", enrolled=date(2025, 5, 30), completed=date(2025, 6, 10)),
    ]
    memory = Memory([make_site("a")], entries=[course("a", date(2025, 5, 30), people)])
    early = pick(june(memory), COMPLETION)
    assert (early.value, early.denominator, early.status) == (None, 0, "P")
    late = pick(june(memory, at_ms=day_start_ms(date(2025, 9, 20), ZONE)), COMPLETION)
    assert (late.numerator, late.denominator, late.value) == (1, 2, 50)
    assert late.ci95 is not None


def followed(site: str, on: date, answers: Sequence[tuple[str, bool, bool]], evidence: str = "self_report") -> Entry:
    listed = [{"code": code, "answered": answered, "sales": better} for code, answered, better in answers]
    return Entry(site, "business_follow_up", on, {"evidence": evidence, "wave": "6", "answers": listed})


def test_businesses_that_are_due_and_silent_widen_the_bounds_and_few_answers_are_not_shown() -> None:
    supported = [{"code": f"b{number}", "supported_on": "2024-12-10"} for number in range(100)]
    memory = Memory([make_site("a")])
    memory.entries = [
        Entry("a", "business_support", date(2024, 12, 10), {"businesses": supported}),
        followed("a", date(2025, 6, 10), [(f"b{number}", True, number < 45) for number in range(90)]),
    ]
    value = pick(june(memory), IMPROVED)
    assert (value.value, value.coverage, value.status) == (50, 90, "A")
    assert list(value.bounds or ()) == pytest.approx([45, 55])
    memory.entries[1] = followed("a", date(2025, 6, 10), [(f"B{number}", True, number < 45) for number in range(90)])
    assert pick(june(memory), IMPROVED).coverage == 90, "a code in large letters is the same business"
    memory.entries[1] = followed("a", date(2025, 6, 10), [(f"b{number}", True, True) for number in range(20)])
    assert pick(june(memory), IMPROVED).status == "O"
    few = Memory([make_site("a")], entries=[followed("a", JUNE_1, [("p", True, True), ("q", True, False)])])
    value = pick(june(few), IMPROVED)
    assert (value.value, value.status, value.notes) == (None, "Q", ("reliability n<30",))


def test_what_is_said_and_what_is_verified_are_never_mixed() -> None:
    memory = Memory([make_site("a")])
    memory.entries = [
        followed("a", JUNE_1, [(f"b{number}", True, True) for number in range(40)]),
        followed("a", JUNE_1, [(f"b{number}", True, number < 20) for number in range(40)], "assessed"),
    ]
    values = june(memory)
    assert pick(values, IMPROVED).numerator == 40
    verified = pick(values, IMPROVED, evidence="assessed")
    assert (verified.numerator, verified.evidence) == (20, "assessed")


def test_services_that_spared_no_trip_count() -> None:
    services = [{"kind": "egov", "travel_hours_avoided": hours} for hours in (2, 4, 3, 5, 0)]
    memory = Memory([make_site("a")], entries=[Entry("a", "service", JUNE_1, {"services": services})])
    assert pick(june(memory), TRAVEL).shown == "2.8"
    empty = owing("1", service="month")
    empty.entries = [nothing("1", "service")]
    assert pick(june(empty), TRAVEL).status == "M"


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


def test_a_site_not_yet_in_service_has_no_figures() -> None:
    memory = Memory([make_site("a", since_ms=AFTER_JUNE)])
    assert june(memory) == []


def test_a_month_that_runs_is_provisional_and_its_future_is_not_expected() -> None:
    memory = Memory([make_site("a")], minutes("a", june_starts(), up=14_400))
    value = pick(june(memory, at_ms=june_starts() + 10 * DAY), AVAILABILITY)
    assert (value.value, value.coverage, value.status) == (100, 100, "P")


def test_a_value_is_shown_with_one_decimal_half_up_from_the_exact_ratio() -> None:
    assert str(one_decimal(0.25)) == "0.3"
    assert str(one_decimal(6.25, 1, 16, 100)) == "6.3"
    assert str(one_decimal(-0.04)) == "0.0"


@pytest.mark.parametrize("code", ["", "2025-06", "202513", "202500", "2025Q5", "junio", "0000", "٢٠٢٥"])
def test_a_period_that_cannot_be_read_is_refused_with_what_one_looks_like(code: str) -> None:
    with pytest.raises(PeriodError, match=r"202506|such as"):
        period_of(code)


def test_every_entry_of_the_catalogue_names_a_method_and_says_all_it_must() -> None:
    for entry in CATALOGUE.values():
        assert entry.method_name in METHODS
        words = (entry.name, entry.definition, entry.formula, entry.numerator, entry.denominator, entry.source)
        assert all(text.es and text.en and text.es != text.en for text in words), entry.id
        assert entry.id.split("_")[0] in {"acc", "use", "apr", "wel"}


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
