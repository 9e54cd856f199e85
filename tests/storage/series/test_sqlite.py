"""What the embedded store promises beside the contract: durability, and a file that others may use too."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from aldea.model.series import StoreUnavailable
from aldea.storage.series.sqlite.names import texts_json
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from builders import START_MS, make_batch
from storage.series.embedded import flat, loads, read

WRITER = """
import sys
from aldea.storage.series import open_series_store
from builders import make_batch, make_pings
store = open_series_store("sqlite:///" + sys.argv[1])
for n in range(100000):
    rows = make_pings(range(n * 1000, n * 1000 + 1000, 100), first_seq=1 + n * 10)
    store.write([make_batch(rows)])
    print(n, flush=True)
"""


def test_what_a_killed_writer_had_written_is_there(path: Path) -> None:
    tests = str(Path(__file__).resolve().parents[2])
    for _ in range(3):
        path.unlink(missing_ok=True)
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {tests!r})\n{WRITER}", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                if int(line) >= 20:
                    break
            writer.kill()
            returned = max([20, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        store = SqliteSeriesStore(path)
        (series,) = read(store, "rtt_avg_seconds", "ping")
        rows = len(series.times_ms)
        assert rows % 10 == 0
        assert rows >= (returned + 1) * 10
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        store.close()
        assert not Path(f"{path}-wal").exists()


def test_the_writer_syncs_each_commit(path: Path) -> None:
    """The journal moves on when a write returns: with less than FULL (2) a power cut could undo the write."""
    store = SqliteSeriesStore(path)
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_two_processes_may_write(path: Path) -> None:
    """Each gives numbers to names; what the other did, deleting a site included, is noticed."""
    first, second = SqliteSeriesStore(path), SqliteSeriesStore(path)
    first.write([make_batch(loads([0]))])
    second.write([make_batch(loads([1000], first_seq=2))])
    second.delete_site("norte-01")
    second.write([make_batch(loads([0]), site="sur-02")])  # takes the numbers that became free
    first.write([make_batch(loads([2000], first_seq=3))])
    second.write([make_batch(loads([3000], first_seq=4))])
    assert [series.times_ms.tolist() for series in read(first)] == [[START_MS + 2000, START_MS + 3000]]
    assert flat(read(first)) == flat(read(second))
    first.close()
    second.close()


def test_the_same_batch_may_come_again_after_a_restart(path: Path) -> None:
    for _ in range(3):
        store = SqliteSeriesStore(path)
        store.write([make_batch(loads([0, 1000]))])
        assert [len(series.times_ms) for series in read(store)] == [2]
        store.close()


def test_a_write_that_fails_leaves_nothing_and_the_next_one_works(path: Path) -> None:
    store = SqliteSeriesStore(path)
    store.write([make_batch(loads([0]))])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TRIGGER full BEFORE INSERT ON chunk BEGIN SELECT raise(ABORT, 'disk full'); END")
    with pytest.raises(StoreUnavailable, match="disk full"):
        store.write([make_batch(loads([1000], first_seq=2), site="sur-02")])
    assert store.catalogue("sur-02") == []
    other.execute("DROP TRIGGER full")
    other.close()
    store.write([make_batch(loads([1000], first_seq=2), site="sur-02")])
    assert len(store.catalogue("sur-02")) == 1
    store.close()


def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteSeriesStore(path)
    store.write([make_batch(loads([0]))])
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        read(store)
    with pytest.raises(StoreUnavailable):
        store.write([make_batch(loads([0]))])


def test_a_later_versions_file_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ValueError, match="version 99"):
        SqliteSeriesStore(path)


def test_a_batch_that_spans_ages_costs_no_more_than_its_rows(path: Path) -> None:
    store = SqliteSeriesStore(path)
    store.write([make_batch(loads([0, 2**53]))])
    assert store.roll_up() == 2
    assert [len(series.times_ms) for series in read(store)] == [1]
    store.close()


def test_texts_that_are_long_on_purpose_are_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            assert len(texts_json(((f"{number}" + "a" * 100_000,), ("b",) * 10_000))) > 100_000
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()
    assert texts_json((("timeout", "no answer"), ())) == '[["timeout","no answer"],[]]'
