"""What the embedded store promises beside the contract: rollups that agree with rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.model.sample import Value
from aldea.model.series import Aggregate, Series
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from builders import START_MS, make_batch, make_pings, make_row
from storage.series.embedded import DAY, HOUR, chunks, flat, loads, read

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
