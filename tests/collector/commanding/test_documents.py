"""Rows for the register: taken from batches as they arrive, however often, and kept from everything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aldea.collector.commanding.documents import TAKERS, without_documents
from aldea.collector.commanding.rows import DocumentRow
from aldea.model.columns import decode_columns
from aldea.model.sample import Row
from aldea.storage.register import Register, Unit
from aldea.storage.register.commands import commands_of, find_command, queue_command
from aldea.storage.register.feed import read_feed
from aldea.storage.register.repairs import Repair, add_repair, repairs_of
from aldea.storage.register.returned_documents import Why, returned_documents
from aldea.storage.register.status import find_status
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import NAME, Desk, run, times_in
from collectorkit.sender import ping, row


def answer(seq: int, command: str, state: str, **detail: object) -> Row:
    return row(seq, "command", {"command": command, "kind": "test", "state": state, "detail": json.dumps(detail)})


def repair(seq: int, repair_id: str, note: str = "") -> Row:
    return row(seq, "repair", {"repair": repair_id, "findings": '[{"key": "dns"}]', "note": note})


@pytest.fixture
def asked(desk: Desk, register: Register) -> Register:
    now = desk.clock.wall_ms()
    with register.transaction() as unit:
        queue_command(unit, "norte-01", "agent", "test", {}, now, now + 10**9, id="one")
    return register


def test_an_answer_reaches_its_command_and_nothing_of_it_reaches_the_series_store(
    desk: Desk, asked: Register, store: SqliteSeriesStore
) -> None:
    rows = [ping(1), answer(2, "one", "done", found=3), ping(3)]
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload(rows)))
    run(desk.feed_follower(asked))
    run(desk.series_follower(store))
    with asked.reading() as unit:
        found = find_command(unit, "one")
        status = find_status(unit, "norte-01")[0]
        events = read_feed(unit, NAME, 0, 10)
    assert found is not None
    assert (found.state, found.answer) == ("done", {"found": 3})
    assert len(times_in(store)) == 2
    assert store.catalogue("norte-01")
    assert all("command" not in str(item) for item in store.catalogue("norte-01"))
    assert all(not key.startswith("command") for key in status.latest)
    batch = next(event for event in events if event.kind == "batch")
    assert batch.rows == 3
    assert [item[0] for item in batch.summary["series"]] == ["ping"]


def test_a_batch_of_documents_alone_is_fine(desk: Desk, asked: Register, store: SqliteSeriesStore) -> None:
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload([answer(1, "one", "failed")])))
    run(desk.series_follower(store))
    run(desk.feed_follower(asked))
    assert times_in(store) == []
    with asked.reading() as unit:
        assert commands_of(unit, "norte-01")[0].state == "failed"


def test_taking_the_same_entries_twice_changes_nothing(desk: Desk, asked: Register) -> None:
    rows = [
        answer(1, "one", "running"),
        answer(2, "one", "done"),
        repair(3, "r1", "new cable"),
        answer(4, "none", "done"),
    ]
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload(rows)))
    for _ in range(2):
        run(desk.feed_follower(asked))
        desk.cursors.advance("feed", 0)
    with asked.reading() as unit:
        assert commands_of(unit, "norte-01")[0].state == "done"
        assert [(one.id, one.note, one.findings) for one in repairs_of(unit, "norte-01")] == [
            ("r1", "new cable", [{"key": "dns"}])
        ]
        assert len(returned_documents(unit)) == 1


def test_one_that_cannot_be_taken_stops_no_other_and_is_kept_with_the_reason(desk: Desk, asked: Register) -> None:
    rows = [
        answer(1, "nobody-asked", "done"),
        answer(2, "one", "wonderful"),
        repair(3, ""),
        row(4, "record", {"record": "not-hex"}),
        answer(5, "one", "done"),
    ]
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload(rows)))
    run(desk.feed_follower(asked))
    with asked.reading() as unit:
        kept = {one.seq: one.reason for one in returned_documents(unit)}
        why = {one.seq: one.why for one in returned_documents(unit)}
        assert commands_of(unit, "norte-01")[0].state == "done"
    assert why == {1: Why.UNKNOWN, 2: Why.REFUSED, 3: Why.REFUSED, 4: Why.UNREADABLE}
    assert "never given" in kept[1]
    assert "none that a device" in kept[2]


def test_what_a_taker_wrote_before_it_failed_is_undone(
    desk: Desk, asked: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(unit: Unit, found: DocumentRow) -> None:
        add_repair(unit, Repair(found.site, "half", found.device, found.arrival_ms, None))
        raise RuntimeError("in the middle of it")

    monkeypatch.setitem(TAKERS, "repair", half)
    rows = [repair(1, "r1"), answer(2, "one", "done")]
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload(rows)))
    run(desk.feed_follower(asked))
    with asked.reading() as unit:
        assert repairs_of(unit, "norte-01") == ()
        assert commands_of(unit, "norte-01")[0].state == "done"
        (kept,) = returned_documents(unit)
    assert (kept.why, kept.detail) == (Why.FAULT, "RuntimeError: in the middle of it")


def test_a_device_cannot_answer_for_another(desk: Desk, asked: Register) -> None:
    desk.send(desk.sur.birth(0), desk.sur.message(desk.sur.payload([answer(1, "one", "done")])))
    run(desk.feed_follower(asked))
    with asked.reading() as unit:
        assert commands_of(unit, "norte-01")[0].state == "waiting"


def test_a_batch_without_its_documents_decodes_to_its_other_rows(desk: Desk, tmp_path: Path) -> None:
    rows = [ping(1), answer(2, "one", "done"), repair(3, "r1"), ping(4), row(5, "host", {"uptime_seconds": 7})]
    whole = decode_columns(desk.norte.payload(rows))
    rest = without_documents(whole)
    assert [item.seq for item in rest.rows()] == [1, 4, 5]
    assert len(rest.low) == sum(block.spec.width for block in rest.blocks)
    position = 0
    for block in rest.blocks:
        assert int(rest.low[position + 1]) == int(block.mono_ms.min())
        assert int(rest.high[position + 1]) == int(block.mono_ms.max())
        position += block.spec.width
    plain = decode_columns(desk.norte.payload([ping(1)]))
    assert without_documents(plain) is plain


@pytest.mark.parametrize(
    "detail",
    [
        "[" * 8_000,
        '{"a":' * 2_500 + "1" + "}" * 2_500,
        '{"runs": 1e999, "found": -1e999}',
        '{"runs": ' + "9" * 5_000 + "}",
        '{"runs": NaN, "sentence": {"es": []}}',
        "null",
        '"\\ud800\\u0000"',
    ],
)
def test_an_answer_that_no_agent_would_give_is_taken_and_stops_none_behind_it(
    desk: Desk, asked: Register, detail: str
) -> None:
    hostile = row(1, "command", {"command": "one", "kind": "test", "state": "running", "detail": detail})
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload([hostile, answer(2, "one", "done", found=3)])))
    run(desk.feed_follower(asked))
    with asked.reading() as unit:
        found = find_command(unit, "one")
        assert returned_documents(unit) == ()
    assert found is not None
    assert (found.state, found.answer) == ("done", {"found": 3})


def test_numbers_that_no_database_takes_are_kept_as_texts(desk: Desk, asked: Register) -> None:
    told = '{"runs": 1e999, "large": ' + "9" * 30 + ', "small": 12, "ratio": 0.5}'
    hostile = row(1, "command", {"command": "one", "kind": "test", "state": "done", "detail": told})
    desk.send(desk.norte.birth(0), desk.norte.message(desk.norte.payload([hostile])))
    run(desk.feed_follower(asked))
    with asked.reading() as unit:
        found = find_command(unit, "one")
    assert found is not None
    assert found.answer == {"runs": "1e999", "large": "9" * 30, "small": 12, "ratio": 0.5}
