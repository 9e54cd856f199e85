"""What every series store does, whichever it is: any rows come back, and readers and a writer work at once."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.model.columns import TimedBatch
from aldea.model.sample import Value
from aldea.model.series import SeriesStore
from builders import make_batch, make_pings, make_row
from storage.series.asking import ask, only, pairs

_values: st.SearchStrategy[Value] = st.none() | st.floats(-1e6, 1e6).map(lambda value: round(value, 2))
_texts = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    data=st.lists(
        st.tuples(st.integers(0, 10**8), _values, st.none() | _texts, st.sampled_from(["a", "b"])),
        min_size=1,
        max_size=30,
    ),
    cut=st.integers(0, 30),
    overlap=st.integers(0, 5),
)
def test_whatever_is_written_comes_back(
    store: SeriesStore, data: list[tuple[int, Value, str | None, str]], cut: int, overlap: int
) -> None:
    store.delete_site("norte-01")
    rows = [
        make_row(seq, at, {"load1": real, "clock": text}, measurement="host", tags={"part": part})
        for seq, (at, real, text, part) in enumerate(data, start=1)
    ]
    cut = min(cut, len(rows))
    batches = [make_batch(part) for part in (rows[:cut], rows[max(0, cut - overlap) :]) if part]
    store.write(batches)
    for column, place in (("load1", 1), ("clock", 2)):
        for part in ("a", "b"):
            expected = [
                (row[0], seq, row[place]) for seq, row in enumerate(data) if row[3] == part and row[place] is not None
            ]
            expected.sort(key=lambda item: item[:2])
            found = ask(store, column, "host", part=part)
            assert [pair for series in found for pair in pairs(series)] == [
                (at, pytest.approx(value) if isinstance(value, float) else value) for at, _, value in expected
            ]


def test_readers_and_a_writer_work_at_once(store: SeriesStore) -> None:
    batches = [make_batch(make_pings(range(n * 1000, n * 1000 + 1000, 100), first_seq=1 + n * 10)) for n in range(30)]
    stop = threading.Event()
    problems: list[str] = []

    def watch() -> None:
        seen = 0
        while not stop.is_set():
            count = sum(len(series.times_ms) for series in ask(store, "rtt_avg_seconds"))
            if count < seen or count % 10:
                problems.append(f"{count} rows after {seen}")
            seen = count
            store.latest("norte-01")

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for thread in watchers:
        thread.start()
    written: list[TimedBatch] = []
    for batch in batches:
        store.write([batch])
        written.append(batch)
        assert len(only(ask(store, "rtt_avg_seconds"))) == 10 * len(written)
    stop.set()
    for thread in watchers:
        thread.join()
    assert problems == []
