"""The embedded store: what it answers, and what stands in its file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from aldea.model.sample import Row
from aldea.model.series import Aggregate, Query, Series
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from builders import START_MS, make_row

HOUR, DAY = 3_600_000, 86_400_000


def read(
    store: SqliteSeriesStore,
    field: str = "load1",
    measurement: str = "host",
    start: int = -DAY,
    end: int = 500 * DAY,
    step: int | None = None,
    aggregate: Aggregate = Aggregate.MEAN,
) -> list[Series]:
    """Return what the store knows of a field of norte-01; times are milliseconds since the start."""
    return store.read(Query("norte-01", measurement, field, START_MS + start, START_MS + end, step, aggregate))


def flat(found: list[Series]) -> list[object]:
    """Return series as what can be compared: tags, times, values."""
    return [(s.tags, s.times_ms.tolist(), s.values if isinstance(s.values, list) else s.values.tolist()) for s in found]


def chunks(path: Path) -> int:
    """Return how many chunks stand in the file."""
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM chunk").fetchone()
    connection.close()
    return int(count)


def loads(times: list[int], first_seq: int = 1) -> list[Row]:
    """Return a row of the host's load for each time."""
    return [
        make_row(first_seq + n, at, {"load1": at % 977 / 100, "clock": f"w{n % 3}"}, measurement="host", tags={})
        for n, at in enumerate(times)
    ]
