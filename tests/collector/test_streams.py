"""Which rows are stored, may still come, are accounted for, or are lost."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.collector.streams import MAX_GAPS, Stream, StreamBook, StreamRecord
from aldea.model.intervals import IntervalSet
from collectorkit.desk import Desk
from collectorkit.sender import ping, row

if TYPE_CHECKING:
    from aldea.collector.journal import Journal
    from aldea.model.intervals import Range


def _counts(record: StreamRecord) -> tuple[int, int, int, int]:
    return record.stored_rows, record.explained_rows, record.lost_rows, record.open_rows


def test_a_hole_is_open_while_its_agent_may_still_send_it(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 3), desk.norte.batch(6, 8), desk.norte.birth(10, first_seq=4))
    record = desk.record()
    assert record.gaps == ((4, 5, "open"), (9, 10, "open"))
    assert (record.last_seq, record.contiguous_seq) == (10, 3)
    assert _counts(record) == (6, 0, 0, 4)


def test_a_hole_below_what_the_agent_holds_is_lost(desk: Desk) -> None:
    desk.send(desk.norte.batch(1, 3), desk.norte.batch(8, 9), desk.norte.birth(9, first_seq=6))
    record = desk.record()
    assert record.gaps == ((4, 5, "lost"), (6, 7, "open"))
    assert record.contiguous_seq == 5
    assert _counts(record) == (5, 0, 2, 2)


def test_rows_thought_lost_that_come_after_all_are_stored(desk: Desk) -> None:
    desk.send(desk.norte.birth(9, first_seq=9), desk.norte.batch(9, 9))
    assert desk.record().lost_rows == 8
    desk.send(desk.norte.batch(1, 8))
    assert _counts(desk.record()) == (9, 0, 0, 0)


def test_a_tombstone_explains_what_it_names_and_a_rejected_row_itself(desk: Desk) -> None:
    stone = row(9, "tombstone", {"first_seq": 2, "last_seq": 6, "count": 5, "reason": "full"})
    rows = [ping(7), ping(8, sent=-1), stone, ping(10)]
    desk.send(desk.norte.batch(1, 1), desk.norte.message(desk.norte.payload(rows)), desk.norte.birth(10, first_seq=7))
    record = desk.record()
    assert record.gaps == ((2, 6, "explained"), (8, 8, "explained"))
    assert record.contiguous_seq == 10
    assert _counts(record) == (4, 6, 0, 0)


def test_a_tombstone_that_names_its_own_or_later_rows_explains_nothing(desk: Desk) -> None:
    stone = row(2, "tombstone", {"first_seq": 1, "last_seq": 900, "count": 900, "reason": "full"})
    desk.send(desk.norte.message(desk.norte.payload([ping(1), stone])), desk.norte.birth(900))
    assert desk.record().explained_rows == 0


def test_only_the_newest_gaps_are_listed_and_all_are_counted(desk: Desk) -> None:
    desk.send(*(desk.norte.batch(seq, seq) for seq in range(1, 601, 2)))
    record = desk.record()
    assert len(record.gaps) == MAX_GAPS
    assert record.gaps[-1] == (598, 598, "open")
    assert record.open_rows == 299


spans = st.tuples(st.integers(1, 60), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(spans), st.lists(spans), st.lists(spans), st.integers(1, 70), st.integers(0, 80))
def test_a_record_agrees_with_plain_sets(
    stored: list[Range], rejected: list[Range], stones: list[Range], held_from: int, announced: int
) -> None:
    stream = Stream(1, "a", "b", "c", held_from, announced)
    stream.stored, stream.rejected, stream.tombstones = map(IntervalSet, (stored, rejected, stones))
    here, bad, gone = ({n for low, high in part for n in range(low, high + 1)} for part in (stored, rejected, stones))
    last = max([*here, *bad, *gone, announced, 0])
    every = set(range(1, last + 1))
    explained = (bad | gone) - here
    missing = every - here - explained
    lost = {n for n in missing if n < held_from}
    record = stream.record()
    assert _counts(record) == (len(here), len(explained), len(lost), len(missing - lost))
    assert record.last_seq == last
    still_open = missing - lost
    assert record.contiguous_seq == (min(still_open) - 1 if still_open else last)
    listed = {state: set[int]() for state in ("open", "lost", "explained")}
    for low, high, state in record.gaps:
        listed[state].update(range(low, high + 1))
    assert (listed["open"], listed["lost"]) == (still_open, lost)
    assert explained <= listed["explained"] <= explained | here


steps = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), spans),
        st.tuples(st.just("bad"), spans),
        st.tuples(st.just("birth"), spans),
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(steps)
def test_after_a_restart_every_record_is_the_same(story: list[tuple[str, Range]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        desk = Desk(Path(name))
        for number, (kind, (low, high)) in enumerate(story):
            norte = desk.norte.but(connection=number + 1)
            if kind == "birth":
                desk.send(norte.birth(high, first_seq=low))
            else:
                rows = [ping(seq, **({"sent": -1} if kind == "bad" else {})) for seq in range(low, high + 1)]
                desk.send(norte.message(norte.payload(rows)))
        again = Desk(Path(name), desk.clock)
        if story:
            before, after = desk.record(), again.record()
            assert _merged(after) == _merged(before)
        assert again.seqs() == sorted(set(again.seqs()))
        again.close()
        desk.close()


def _merged(record: StreamRecord) -> StreamRecord:
    return replace(record, gaps=tuple(sorted(record.gaps)))


def test_an_outbox_that_was_never_announced_is_older_than_the_one_that_took_it_over() -> None:
    rows = [
        SimpleNamespace(id=number, site="norte", device="agent", epoch=f"e{number}", held_from=1, announced=announced)
        for number, announced in ((1, 5), (2, 5), (3, 0))
    ]
    journal = SimpleNamespace(
        streams=lambda: rows, stored_ranges=lambda _: IntervalSet(), spans=lambda _stream, _state: []
    )
    ranks = StreamBook(cast("Journal", journal)).ranks("norte", "agent")
    assert sorted(ranks, key=ranks.__getitem__) == [1, 3, 2]
