"""Reports that a programme owes make the coverage of its figures."""

from __future__ import annotations

from datetime import date

from aldea.indicators.compute import compute
from aldea.indicators.periods import period_of
from indicators.june import JUNE_1, PROJECT, REACH, TRAVEL, june, owing
from indicators.world import AFTER_JUNE, DAY, Entry, Memory, course, june_starts, make_site, nothing, person, pick


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
