"""What the embedded store promises beside the contract: durability, upkeep, and rollups that agree with rows."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.model.sample import Row, Value
from aldea.model.series import Aggregate, Query, Series, StoreUnavailable
from aldea.storage.series.sqlite.names import texts_json
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from builders import START_MS, make_batch, make_pings, make_row

HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "series.db"


def read(
    store: SqliteSeriesStore,
    field: str = "load1",
    measurement: str = "host",
    start: int = -DAY,
    end: int = 500 * DAY,
    step: int | None = None,
    aggregate: Aggregate = Aggregate.MEAN,
) -> list[Series]:
    return store.read(Query("norte-01", measurement, field, START_MS + start, START_MS + end, step, aggregate))


def flat(found: list[Series]) -> list[object]:
    return [(s.tags, s.times_ms.tolist(), s.values if isinstance(s.values, list) else s.values.tolist()) for s in found]


def chunks(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM chunk").fetchone()
    connection.close()
    return int(count)


def loads(times: list[int], first_seq: int = 1) -> list[Row]:
    return [
        make_row(first_seq + n, at, {"load1": at % 977 / 100, "clock": f"w{n % 3}"}, measurement="host", tags={})
        for n, at in enumerate(times)
    ]


# ------------------------------------------------------------------------------------------- durability


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


# ------------------------------------------------------------------------------------ joining of chunks


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


# ---------------------------------------------------------------------------------------------- rollups


_changes = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "delete", "roll_up", "compact"]),
        st.integers(0, 6 * DAY),
        st.integers(1, 40),
        st.sampled_from([60_000, 600_000, HOUR]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    changes=_changes,
    start=st.integers(-HOUR, 3 * DAY),
    length=st.integers(1, 7 * DAY),
    hours=st.sampled_from([1, 6, 24]),
    aggregate=st.sampled_from(list(Aggregate)),
)
def test_rollups_answer_as_rows_do(
    path: Path,
    changes: list[tuple[str, int, int, int]],
    start: int,
    length: int,
    hours: int,
    aggregate: Aggregate,
) -> None:
    path.unlink(missing_ok=True)
    store = SqliteSeriesStore(path)
    seq, written = 1, []
    for action, at, count, every in changes:
        if action == "write":
            batch = make_batch(loads([at + n * every for n in range(count)], seq))
            seq += count
            written.append(batch)
            store.write([batch])
        elif action == "delete" and written:
            store.delete([written.pop(at % len(written))])
        elif action == "roll_up":
            store.roll_up(count * 5)
        elif action == "compact":
            store.compact(START_MS + 8 * DAY)
    step = hours * HOUR
    answer = read(store, start=start, end=start + length, step=step, aggregate=aggregate)
    expected = _by_hand(read(store, start=start, end=start + length), step, aggregate)
    found = {time: value for s in answer for time, value in zip(s.times_ms.tolist(), np.asarray(s.values), strict=True)}
    assert found == pytest.approx(expected)
    store.close()


def _by_hand(rows: list[Series], step: int, aggregate: Aggregate) -> dict[int, float]:
    steps: dict[int, list[float]] = {}
    for series in rows:
        assert not isinstance(series.values, list)
        for time, value in zip(series.times_ms.tolist(), series.values.tolist(), strict=True):
            steps.setdefault(time // step * step, []).append(value)
    figures: dict[Aggregate, Callable[[list[float]], float]] = {
        Aggregate.MEAN: lambda values: float(np.mean(values)),
        Aggregate.SUM: sum,
        Aggregate.MIN: min,
        Aggregate.MAX: max,
        Aggregate.COUNT: len,
        Aggregate.LAST: lambda values: values[-1],
    }
    return {time: float(figures[aggregate](values)) for time, values in steps.items()}


def test_clean_hours_are_read_from_rollups_and_dirty_ones_from_rows(path: Path) -> None:
    store = SqliteSeriesStore(path)
    store.write([make_batch(loads(list(range(0, 3 * HOUR, 600_000))))])
    assert store.roll_up(2) == 2
    assert store.roll_up() == 1
    assert store.roll_up() == 0
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE hour SET total = 600, count = 6")
    assert [s.values.tolist() for s in read(store, step=HOUR) if not isinstance(s.values, list)] == [[100.0] * 3]
    store.write([make_batch(loads([HOUR + 1], 100))])
    (series,) = read(store, step=HOUR)
    assert [value == 100.0 for value in series.values] == [True, False, True]
    (series,) = read(store, step=HOUR, aggregate=Aggregate.COUNT)
    assert list(series.values) == [6.0, 7.0, 6.0]
    connection.close()
    store.close()


def test_rollups_outlive_their_rows_and_take_late_ones_in(path: Path) -> None:
    store = SqliteSeriesStore(path)
    rows = loads(list(range(0, 10 * DAY, HOUR // 4)))
    for first in range(0, len(rows), 100):
        store.write([make_batch(rows[first : first + 100])])
    hourly = {a: flat(read(store, step=HOUR, aggregate=a)) for a in Aggregate}
    store.trim(START_MS + 8 * DAY + 1234)
    assert [s.times_ms[0] for s in read(store)] == [START_MS + 8 * DAY]
    assert {a: flat(read(store, step=HOUR, aggregate=a)) for a in Aggregate} == hourly
    late = make_row(5000, DAY + 1, {"load1": 1e6, "clock": "late"}, measurement="host", tags={})
    store.write([make_batch([late])])
    for _ in range(3):
        (day,) = read(store, start=DAY, end=2 * DAY, step=DAY, aggregate=Aggregate.COUNT)
        assert list(day.values) == [97.0]
        (day,) = read(store, start=DAY, end=2 * DAY, step=DAY, aggregate=Aggregate.MAX)
        assert list(day.values) == [1e6]
        store.roll_up()
        store.trim(START_MS + 8 * DAY)
    (day,) = read(store, start=DAY, end=2 * DAY, step=HOUR, aggregate=Aggregate.LAST)
    assert day.values[0] == rows[4 * 24 + 3].fields["load1"]
    store.trim_rollups(START_MS + 9 * DAY)
    (rest,) = read(store, step=DAY, aggregate=Aggregate.COUNT)
    assert list(rest.values) == [96.0]
    assert [s.times_ms[0] for s in read(store)] == [START_MS + 8 * DAY]
    store.close()


def test_rows_dirty_when_trimmed_are_rolled_up_first(path: Path) -> None:
    store = SqliteSeriesStore(path)
    store.write([make_batch(make_pings(range(0, DAY, 600_000), targets=("gateway", "anchor")))])
    store.trim(START_MS + 2 * DAY)
    assert read(store, "sent", "ping") == []
    found = read(store, "sent", "ping", step=DAY, aggregate=Aggregate.COUNT)
    assert [list(series.values) for series in found] == [[144.0], [144.0]]
    assert chunks(path) == 0
    store.delete_site("norte-01")
    assert read(store, "sent", "ping", step=DAY) == []
    store.close()


def test_a_reading_may_be_huge_or_negative(path: Path) -> None:
    store = SqliteSeriesStore(path)
    values: list[Value] = [2**61, -(2**61), 0, -1]
    rows = [make_row(n + 1, n, {"rx_bytes": v}, measurement="snmp", tags={}) for n, v in enumerate(values)]
    store.write([make_batch(rows[:2]), make_batch(rows[2:])])
    assert [list(s.values) for s in read(store, "rx_bytes", "snmp")] == [[float(v or 0) for v in values]]
    store.compact(START_MS + 2 * DAY)
    assert [list(s.values) for s in read(store, "rx_bytes", "snmp")] == [[float(v or 0) for v in values]]
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
