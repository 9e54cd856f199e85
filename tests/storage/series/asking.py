"""A store asked in one line, and what it answered as plain pairs."""

from __future__ import annotations

from collections.abc import Sequence

from aldea.model.sample import Row, Value
from aldea.model.series import Aggregate, Query, Series, SeriesStore
from builders import START_MS, make_row

DAY = 86_400_000


def ask(
    store: SeriesStore,
    field: str,
    measurement: str = "ping",
    *,
    site: str = "norte-01",
    start: int = -DAY,
    end: int = 400 * DAY,
    step: int | None = None,
    aggregate: Aggregate = Aggregate.MEAN,
    device: str | None = None,
    **tags: str,
) -> list[Series]:
    """Return what the store knows of a field; times are milliseconds since the start."""
    query = Query(site, measurement, field, START_MS + start, START_MS + end, step, aggregate, tags, device)
    return store.read(query)


def pairs(series: Series) -> list[tuple[int, float | str]]:
    """Return a series as times since the start and values."""
    values: Sequence[float | str] = series.values if isinstance(series.values, list) else series.values.tolist()
    return [(time - START_MS, value) for time, value in zip(series.times_ms.tolist(), values, strict=True)]


def only(found: list[Series]) -> list[tuple[int, float | str]]:
    """Return the pairs of the one series that was found."""
    assert len(found) == 1
    return pairs(found[0])


def gauge(seq: int, at: int, value: Value, *, name: str = "load1", **tags: str) -> Row:
    """Return a row of the host with one value."""
    return make_row(seq, at, {name: value}, measurement="host", tags=tags)
