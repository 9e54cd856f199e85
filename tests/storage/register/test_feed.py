"""The feed and the cursors of those who follow it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from aldea.storage.register import Register
from aldea.storage.register.feed import (
    FeedEvent,
    append_feed,
    feed_collectors,
    get_cursor,
    get_cursors,
    last_position,
    newest_feed_id,
    read_feed,
    read_feed_after_id,
    set_cursor,
    trim_feed,
)


def batch(position: int, collector: str = "c1", arrival_ms: int = 0) -> FeedEvent:
    return FeedEvent(
        collector=collector,
        position=position,
        kind="batch",
        site="one",
        device="box",
        arrival_ms=arrival_ms or position,
        lane="live",
        rows=5,
        epoch="e1",
        first_seq=1,
        last_seq=5,
        event_from_ms=1,
        event_to_ms=2,
        summary={"ping": 5, "note": "ñ\x00"},
    )


def presence(position: int, collector: str = "c1") -> FeedEvent:
    return FeedEvent(collector, position, "presence", "one", "box", position, "status")


def test_events_come_back_as_they_went_in_with_an_id(register: Register) -> None:
    with register.transaction() as unit:
        assert append_feed(unit, [batch(1), presence(1), batch(2)]) == 3
        assert append_feed(unit, []) == 0
    with register.reading() as unit:
        found = read_feed(unit, "c1", 0, 10)
        assert [event.id for event in found] == [1, 2, 3]
        assert replace(found[0], id=None) == replace(batch(1), summary={"ping": 5, "note": "ñ\ufffd"})
        assert replace(found[1], id=None) == presence(1)
        assert newest_feed_id(unit) == 3
        assert last_position(unit, "c1") == 2
        assert last_position(unit, "c2") == 0


def test_appending_again_after_a_crash_changes_nothing(register: Register) -> None:
    with register.transaction() as unit:
        append_feed(unit, [batch(1), batch(2)])
    with register.transaction() as unit:
        changed = replace(batch(2), rows=99)
        assert append_feed(unit, [changed, batch(3), presence(2), batch(2, "c2")]) == 3
    with register.reading() as unit:
        found = read_feed(unit, "c1", 0, 10)
        assert [(event.position, event.kind, event.rows) for event in found] == [
            (1, "batch", 5),
            (2, "batch", 5),
            (2, "presence", 0),
            (3, "batch", 5),
        ]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_consumer_that_keeps_positions_sees_every_event_once(register: Register, limit: int) -> None:
    events = [make(position) for position in (1, 2, 4, 5, 9) for make in (batch, presence)]
    with register.transaction() as unit:
        append_feed(unit, [*events, batch(3, "c2")])
    seen: list[FeedEvent] = []
    for _ in range(20):
        with register.transaction() as unit:
            found = read_feed(unit, "c1", get_cursor(unit, "settler", "c1"), limit)
            if not found:
                break
            seen += found
            set_cursor(unit, "settler", "c1", found[-1].position)
    assert [(event.position, event.kind) for event in seen] == [(e.position, e.kind) for e in events]


def test_reading_by_id_goes_through_all_collectors_in_order(register: Register) -> None:
    with register.transaction() as unit:
        append_feed(unit, [batch(7, "c2"), batch(1), batch(8, "c2")])
        first = read_feed_after_id(unit, 0, 2)
        rest = read_feed_after_id(unit, first[-1].id or 0, 2)
        assert [(event.collector, event.position) for event in (*first, *rest)] == [
            ("c2", 7),
            ("c1", 1),
            ("c2", 8),
        ]
        assert feed_collectors(unit) == ("c1", "c2")


def test_a_reader_by_id_never_passes_an_event_that_is_committed_later(register: Register) -> None:
    """The first appender holds its transaction open while a second one appends and wants to commit."""
    appended = threading.Event()
    go_on = threading.Event()

    def slow() -> None:
        with register.transaction() as unit:
            append_feed(unit, [batch(1, "slow")])
            appended.set()
            assert go_on.wait(60)

    def quick() -> None:
        with register.transaction() as unit:
            append_feed(unit, [batch(1, "quick")])

    first = threading.Thread(target=slow)
    first.start()
    assert appended.wait(60)
    second = threading.Thread(target=quick)
    second.start()
    second.join(0.3)
    with register.reading() as unit:
        seen = list(read_feed_after_id(unit, 0, 10))
    go_on.set()
    first.join()
    second.join()
    with register.reading() as unit:
        seen += read_feed_after_id(unit, max((event.id or 0 for event in seen), default=0), 10)
    assert sorted(event.collector for event in seen) == ["quick", "slow"]


def test_a_cursor_is_kept_with_the_unit_or_not_at_all(register: Register) -> None:
    def fail() -> None:
        with register.transaction() as unit:
            set_cursor(unit, "alerts", "c1", 9)
            raise ZeroDivisionError

    with register.transaction() as unit:
        append_feed(unit, [batch(1), batch(1, "c2")])
        set_cursor(unit, "alerts", "c1", 1)
        set_cursor(unit, "alerts", "gone", 4)
        set_cursor(unit, "settler", "c1", 3)
    with pytest.raises(ZeroDivisionError):
        fail()
    with register.reading() as unit:
        assert get_cursor(unit, "alerts", "c1") == 1
        assert get_cursors(unit, "alerts") == {"c1": 1, "c2": 0, "gone": 4}


def test_trimming_takes_the_oldest_by_arrival_and_ids_go_on(register: Register) -> None:
    with register.transaction() as unit:
        append_feed(unit, [batch(n, arrival_ms=100 - n) for n in range(1, 11)])
        assert trim_feed(unit, 95, limit=3) == 3
        assert {event.position for event in read_feed(unit, "c1", 0, 20)} == {1, 2, 3, 4, 5, 6, 7}
        assert trim_feed(unit, 95) == 2
        assert trim_feed(unit, 1000) == 5
        append_feed(unit, [batch(11)])
        assert newest_feed_id(unit) == 11
