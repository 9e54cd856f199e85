"""What the embedded store promises beside the contract: joined chunks answer as before."""

from __future__ import annotations

from pathlib import Path

from aldea.model.sample import Value
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from builders import START_MS, make_batch, make_row
from storage.series.embedded import DAY, chunks, flat, loads, read


def test_compacting_joins_a_days_chunks_and_changes_no_answer(path: Path) -> None:
    store = SqliteSeriesStore(path)
    rows = loads(list(range(0, 2 * DAY, 600_000)))
    failed = make_row(len(rows) + 1, 90_000, {"clock": "é", "failure": "x"}, measurement="host", tags={})
    for first in range(0, len(rows), 4):
        store.write([make_batch(rows[first : first + 4])])
    store.write([make_batch(rows[:40]), make_batch(rows[5:17]), make_batch([failed])])
    store.write([make_batch(rows[:9], epoch="feedfeed")])
    before = [flat(read(store, field)) for field in ("load1", "clock", "failure")]
    latest, catalogue = store.latest("norte-01"), store.catalogue("norte-01")
    many = chunks(path)
    assert store.compact(START_MS + DAY - 1) == 0
    gone = store.compact(START_MS + 2 * DAY)
    assert many - gone == chunks(path) == 3
    assert [flat(read(store, field)) for field in ("load1", "clock", "failure")] == before
    assert (store.latest("norte-01"), store.catalogue("norte-01")) == (latest, catalogue)
    assert store.compact(START_MS + 2 * DAY) == 0
    store.delete([make_batch(rows[10:12]), make_batch([failed])])
    store.write([make_batch(rows[10:12]), make_batch([failed])])
    assert [flat(read(store, field)) for field in ("load1", "clock", "failure")] == before
    assert store.compact(START_MS + 2 * DAY) == 2  # the rewritten rows and the failed one were two chunks
    assert [flat(read(store, field)) for field in ("load1", "clock", "failure")] == before
    store.close()


def test_columns_that_changed_their_type_are_not_joined(path: Path) -> None:
    store = SqliteSeriesStore(path)
    values: list[Value] = [1.5, 2, "text", True]
    for seq, value in enumerate(values, start=1):
        store.write([make_batch([make_row(seq, seq, {"later": value}, measurement="new", tags={})])])
    store.compact(START_MS + 2 * DAY)
    (series,) = read(store, "later", "new")
    assert list(series.values) == [1.5, 2.0, 1.0]
    assert chunks(path) == 4
    store.close()
