"""Settled days, intervals, marks, maintenance, outages and daily counts in the register, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from aldea.model.truth import Interval, SlotDay, TruthState
from aldea.model.truth.slots import DAY_MS, SLOTS_A_DAY
from aldea.storage.register import RegisterError
from aldea.storage.register.collectors import CollectorStatus, collector_statuses, upsert_collector_status
from aldea.storage.register.listing import site_overview
from aldea.storage.register.maintenance import (
    Maintenance,
    add_maintenance,
    end_maintenance,
    maintenance_between,
    set_considered,
    unconsidered,
)
from aldea.storage.register.outages import outages_between
from aldea.storage.register.settling import (
    Progress,
    SettledDay,
    clear_marks,
    mark_days,
    marked_days,
    read_progress,
    write_days,
    write_progress,
)
from aldea.storage.register.simulated import remove_simulated_sites
from aldea.storage.register.sites import add_sites
from aldea.storage.register.streams import Stream, upsert_streams
from aldea.storage.register.tables import collector_outage, metadata
from aldea.storage.register.truth import (
    judged_span,
    read_intervals,
    read_slot_days,
    settled_until,
    slot_day_revisions,
    waiting_days,
)
from aldea.storage.register.usage_days import UsageDay, read_usage_days, usage_day_revisions, write_usage_days
from storage.register.places import entry

if TYPE_CHECKING:
    from aldea.storage.register import Register

DAY = 20_000
START = DAY * DAY_MS
HOUR = 3_600_000
OVER = START + DAY_MS + 3 * HOUR


def slots(letter: str, day: int = DAY, site: str = "norte") -> SlotDay:
    zeros = (0,) * SLOTS_A_DAY
    letters = letter * SLOTS_A_DAY
    return SlotDay(site, day, letters, letters, zeros, zeros, 1, OVER, {"main": 7})


def settled(letter: str, *intervals: tuple[int, int, TruthState], day: int = DAY, site: str = "norte") -> SettledDay:
    start = day * DAY_MS
    found = tuple(Interval(site, start + low * HOUR, start + high * HOUR, state) for low, high, state in intervals)
    return SettledDay(slots(letter, day, site), found)


def keep(register: Register, item: SettledDay, now_ms: int) -> None:
    with register.transaction() as unit:
        held = read_slot_days(unit, [item.slots.site], item.slots.start_ms, item.slots.start_ms + 1)
        write_days(unit, [item], {(one.site, one.day): one for one in held}, now_ms)


@pytest.fixture(autouse=True)
def _sites(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("norte"), entry("sur"), entry("demo", simulated=True)])


def test_an_open_day_is_replaced_a_day_that_is_over_gets_revisions(register: Register) -> None:
    keep(register, settled("?"), START + HOUR)
    keep(register, settled("U"), START + DAY_MS + HOUR)
    keep(register, settled("U"), OVER)
    keep(register, settled("d"), OVER)
    with register.reading() as unit:
        found = slot_day_revisions(unit, "norte", DAY)
        newest = read_slot_days(unit, ["norte", "sur"], START, START + DAY_MS)
    assert [(item.revision, item.codes[0]) for item in found] == [(1, "U"), (2, "d")]
    assert newest == (replace(found[1], positions={"main": 7}),)


def test_intervals_are_cut_to_the_window_and_joined_across_midnight(register: Register) -> None:
    up, down = TruthState.UP, TruthState.DOWN
    keep(register, settled("U", (0, 20, up), (20, 24, down)), OVER)
    keep(register, settled("U", (0, 2, down), (2, 24, up), day=DAY + 1), OVER + DAY_MS)
    keep(register, settled("U", (0, 24, up), site="sur"), OVER)
    with register.reading() as unit:
        found = read_intervals(unit, ["sur", "norte"], START + 10 * HOUR, START + 30 * HOUR)
    assert [(i.site, (i.start_ms - START) // HOUR, (i.end_ms - START) // HOUR, i.state) for i in found] == [
        ("norte", 10, 20, up),
        ("norte", 20, 26, down),
        ("norte", 26, 30, up),
        ("sur", 10, 24, up),
    ]


def test_a_mark_made_while_its_day_is_settled_is_not_forgotten(register: Register) -> None:
    with register.transaction() as unit:
        mark_days(unit, [("norte", DAY), ("sur", DAY - 1), ("gone", DAY)])
        ((taken,),) = marked_days(unit, 10, 5, recent_day=DAY + 1)
        mark_days(unit, [("norte", DAY)])
        clear_marks(unit, [taken])
        assert waiting_days(unit) == 2
        ((again,),) = marked_days(unit, 10, 5, recent_day=DAY + 1)
        clear_marks(unit, [again])
        assert marked_days(unit, 10, 5, recent_day=DAY + 1) == [[("sur", DAY - 1, 1)]]


def test_older_days_of_a_site_are_taken_together(register: Register) -> None:
    with register.transaction() as unit:
        mark_days(unit, [("norte", DAY - number) for number in range(6)])
        mark_days(unit, [("sur", DAY)])
        recent = marked_days(unit, 10, 4, recent_day=DAY)
        older = marked_days(unit, 10, 4, recent_day=DAY + 1)
    assert [[mark.day for mark in group] for group in recent] == [[DAY], [DAY]]
    assert [[mark.day for mark in group] for group in older] == [[DAY - n for n in range(4)], [DAY]]


def _stream(contiguous_ms: int, open_rows: int = 0) -> Stream:
    return Stream("norte", "box", "e", 1, 9, 9, 0, 0, open_rows, 9, contiguous_ms, 1)


def test_settled_until_is_what_has_arrived_and_no_day_that_waits_to_be_judged_again(register: Register) -> None:
    with register.transaction() as unit:
        assert settled_until(unit, "norte") is None
        upsert_streams(unit, [_stream(START + DAY_MS + 5 * HOUR)])
        assert settled_until(unit, "norte") == START + DAY_MS + 5 * HOUR
        write_progress(unit, [Progress("norte", START, START + DAY_MS + 4 * HOUR)])
        mark_days(unit, [("norte", DAY + 1)])
        assert settled_until(unit, "norte") == START + DAY_MS + 5 * HOUR, "the day that goes on holds nothing back"
        mark_days(unit, [("norte", DAY)])
        assert settled_until(unit, "norte") == START
        overview = site_overview(unit, "norte", OVER)
        assert overview is not None
        assert overview.settled_until_ms == START
        assert judged_span(unit, "norte") == (START, START + DAY_MS + 4 * HOUR)


def _window(**other: object) -> Maintenance:
    values = {"site": "norte", "from_ms": START, "to_ms": START + HOUR, "announced_ms": 0, "reason": "mast", **other}
    return Maintenance(**values)  # type: ignore[arg-type]  # a test's choice


def test_a_window_is_listed_and_ends_early(register: Register) -> None:
    with register.transaction() as unit:
        one = add_maintenance(unit, _window())
        other = add_maintenance(unit, _window(from_ms=START + HOUR, to_ms=START + 3 * HOUR))
        assert maintenance_between(unit, START, START + HOUR) == (one,)
        assert end_maintenance(unit, one.id, START + HOUR // 2)
        assert not end_maintenance(unit, one.id, START + HOUR)
        assert end_maintenance(unit, other.id, START)
        assert maintenance_between(unit, START, START + 5 * HOUR) == (replace(one, to_ms=START + HOUR // 2),)


def test_a_window_that_changed_is_to_be_considered_again(register: Register) -> None:
    with register.transaction() as unit:
        one = add_maintenance(unit, _window())
        assert unconsidered(unit) == ((one, None),)
        set_considered(unit, [one])
        assert unconsidered(unit) == ()
        end_maintenance(unit, one.id, START + HOUR // 2)
        assert unconsidered(unit) == ((replace(one, to_ms=START + HOUR // 2), (START, START + HOUR)),)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"to_ms": START}, "must end after it begins"),
        ({"reason": " "}, "needs a reason"),
        ({"site": "nowhere"}, "is not registered"),
    ],
)
def test_a_bad_window_gets_a_sentence(register: Register, other: dict[str, object], sentence: str) -> None:
    with pytest.raises(RegisterError, match=sentence), register.transaction() as unit:
        add_maintenance(unit, _window(**other))


def test_a_window_of_a_simulated_site_is_simulated_and_leaves_with_it(register: Register) -> None:
    with register.transaction() as unit:
        assert add_maintenance(unit, _window(site="demo")).simulated
        add_maintenance(unit, _window(site=None, region="Yucatán", simulated=True))
        real = add_maintenance(unit, _window())
        mark_days(unit, [("demo", DAY)])
        write_progress(unit, [Progress("demo", START, START)])
        write_usage_days(unit, [(UsageDay("demo", date(2026, 1, 1), 3, 1.0, "A"), True)])
    keep(register, settled("U", (0, 24, TruthState.UP), site="demo"), OVER)
    with register.transaction() as unit:
        remove_simulated_sites(unit)
        assert maintenance_between(unit, 0, OVER) == (real,)
        for name in ("slot_day", "truth_interval", "truth_dirty", "truth_progress", "usage_day"):
            assert unit.connection.execute(metadata.tables[name].select()).all() == [], name


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


def test_progress_comes_back_as_it_was(register: Register) -> None:
    kept = Progress("norte", START, OVER, "digest", {"a": [1, 2], "b": []})
    with register.transaction() as unit:
        write_progress(unit, [kept, Progress("gone", 0, 0)])
        assert read_progress(unit) == {"norte": kept}


def test_a_dead_card_s_rows_are_waited_for_only_until_another_has_delivered_for_a_day(register: Register) -> None:
    dead = replace(_stream(START, open_rows=5), updated_at_ms=OVER)
    with register.transaction() as unit:
        upsert_streams(unit, [dead, replace(_stream(START + 9 * HOUR), epoch="new", updated_at_ms=OVER + 9 * HOUR)])
        assert settled_until(unit, "norte") == START
        later = replace(_stream(START + 2 * DAY_MS), epoch="new", updated_at_ms=OVER + 2 * DAY_MS)
        upsert_streams(unit, [later])
        assert settled_until(unit, "norte") == START + 2 * DAY_MS


def test_what_was_settled_of_a_site_that_has_left_is_passed_over(register: Register) -> None:
    day = UsageDay("gone", date(2026, 11, 1), 3, 1.0, "A")
    with register.transaction() as unit:
        write_usage_days(unit, [(day, True)])
        assert read_usage_days(unit, ["gone"], day.day, day.day) == ()


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
