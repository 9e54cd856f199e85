"""The collector's outages and daily counts of use in the register, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.collectors import CollectorStatus, collector_statuses, upsert_collector_status
from aldea.storage.register.outages import outages_between
from aldea.storage.register.tables import collector_outage
from aldea.storage.register.usage_days import UsageDay, read_usage_days, usage_day_revisions, write_usage_days
from storage.register.settled import HOUR, START

if TYPE_CHECKING:
    from aldea.storage.register import Register

pytestmark = pytest.mark.usefixtures("three_sites")


def _report(unit_register: Register, collector: str, at_ms: int, *, connected: bool = True) -> None:
    with unit_register.transaction() as unit:
        upsert_collector_status(unit, CollectorStatus(collector, at_ms, connected))


def test_an_outage_is_a_time_without_reports_or_without_a_broker(register: Register) -> None:
    minute = 60_000
    for at_minute, connected in ((0, True), (1, True), (10, True), (11, False), (12, False), (13, True), (14, True)):
        _report(register, "main", START + at_minute * minute, connected=connected)
    with register.reading() as unit:
        found = outages_between(unit, START, START + HOUR)
    assert [(low - START, high - START) for low, high in found] == [
        (1 * minute, 10 * minute),
        (11 * minute, 13 * minute),
    ]


def test_while_another_collector_is_there_it_is_no_outage(register: Register) -> None:
    for name, minutes in (("one", (0, 30, 31)), ("two", (0, 1, 20, 21))):
        for minute in minutes:
            _report(register, name, START + minute * 60_000)
    with register.reading() as unit:
        found = outages_between(unit, START, START + HOUR)
    assert [((low - START) // 60_000, (high - START) // 60_000) for low, high in found] == [(1, 20)]


def test_a_day_of_use_is_replaced_while_open_and_revised_after(register: Register) -> None:
    first = UsageDay("norte", date(2026, 1, 1), 3, 0.9, "A", positions={"main": 1})
    with register.transaction() as unit:
        write_usage_days(unit, [(first, True)])
        write_usage_days(unit, [(replace(first, unique_devices=5), True)])
        write_usage_days(unit, [(replace(first, unique_devices=5, computed_ms=9), False)])
        write_usage_days(unit, [(replace(first, unique_devices=6), False)])
        found = usage_day_revisions(unit, "norte", date(2026, 1, 1))
        assert [(item.revision, item.unique_devices) for item in found] == [(1, 5), (2, 6)]
        assert read_usage_days(unit, ["norte"], date(2026, 1, 1), date(2026, 1, 1)) == found[1:]
        assert read_usage_days(unit, ["norte"], date(2026, 1, 2), date(2026, 1, 9)) == ()


def test_several_outages_that_end_with_the_last_report_go_on_as_one(register: Register) -> None:
    with register.transaction() as unit:
        unit.connection.execute(
            collector_outage.insert(),
            [{"collector": "main", "from_ms": START + low, "to_ms": START + 600_000} for low in (0, 300_000)],
        )
        upsert_collector_status(unit, CollectorStatus("main", START + 600_000, connected=True))
        upsert_collector_status(unit, CollectorStatus("main", START + 900_000, connected=True))
        assert outages_between(unit, START, START + HOUR)[0] == (START, START + 900_000)


def test_a_collector_s_clock_that_was_ahead_is_believed_again_once_it_is_put_right(register: Register) -> None:
    with register.transaction() as unit:
        upsert_collector_status(unit, CollectorStatus("main", START, connected=True))
        upsert_collector_status(unit, CollectorStatus("main", START + 400 * DAY_MS, connected=True))
        upsert_collector_status(unit, CollectorStatus("main", START + 60_000, connected=True, series_position=7))
        assert collector_statuses(unit)[0].series_position == 7
        assert outages_between(unit, START + 120_000, START + 500 * DAY_MS) == ()
