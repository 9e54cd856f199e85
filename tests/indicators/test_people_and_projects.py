"""Figures of records: persons, projects and businesses, each counted once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from aldea.indicators.periods import day_start_ms
from indicators.june import COMPLETION, IMPROVED, JUNE_1, PROJECT, REACH, TRAVEL, june, owing
from indicators.world import ZONE, Entry, Memory, course, make_site, nothing, person, pick


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
