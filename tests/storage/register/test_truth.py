"""Settled days, their intervals and marks in the register, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from aldea.model.truth import TruthState
from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.listing import site_overview
from aldea.storage.register.settling import Progress, clear_marks, mark_days, marked_days, read_progress, write_progress
from aldea.storage.register.streams import Stream, upsert_streams
from aldea.storage.register.truth import (
    judged_span,
    read_intervals,
    read_slot_days,
    settled_until,
    slot_day_revisions,
    waiting_days,
)
from aldea.storage.register.usage_days import UsageDay, read_usage_days, write_usage_days
from storage.register.settled import DAY, HOUR, OVER, START, keep, settled

if TYPE_CHECKING:
    from aldea.storage.register import Register

pytestmark = pytest.mark.usefixtures("three_sites")


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
