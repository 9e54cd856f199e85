"""Chunks and rollups into series."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aldea.model.columns import Floats, Ints
from aldea.model.sample import Value
from aldea.model.series import Latest, Query, Series, SeriesInfo
from aldea.model.wire import Column, value_of
from aldea.storage.series.sqlite.chunks import (
    Chunk,
    ColumnData,
    by_layout,
    columns_matrix,
    decode_chunks,
    find_chunks,
    row_order,
)
from aldea.storage.series.sqlite.hours import dirty_hours, rolled_hours, stretches
from aldea.storage.series.sqlite.names import SeriesKey, parse_layout, tags_from
from aldea.storage.series.summary import HOUR_MS, Summary, fold, join, step_texts, summarise


def read_series(connection: sqlite3.Connection, query: Query) -> list[Series]:
    """Answer a query, one entry for each series that has values in its range."""
    found: list[Series] = []
    for series in series_of(connection, query.site):
        if series.measurement == query.measurement and _is_wanted(series, query):
            answer = _read_one(connection, series, query)
            if answer is not None and len(answer.times_ms):
                found.append(answer)
    return found


def series_of(connection: sqlite3.Connection, site: str) -> list[SeriesKey]:
    """Return all series of a site."""
    rows = connection.execute(
        "SELECT s.id, s.device, s.measurement, s.tags, s.longest_ms FROM series s JOIN site ON site.id = s.site"
        " WHERE site.name = ? ORDER BY s.measurement, s.device, s.tags",
        (site,),
    )
    return [SeriesKey(key, device, name, tags_from(tags), span) for key, device, name, tags, span in rows]


def _is_wanted(series: SeriesKey, query: Query) -> bool:
    if query.device is not None and series.device != query.device:
        return False
    return set(query.tags.items()) <= set(series.tags)


def _read_one(connection: sqlite3.Connection, series: SeriesKey, query: Query) -> Series | None:
    codes = column_codes(connection, series.id, query.field)
    if not codes:
        return None
    times: Ints
    values: Floats | list[str]
    if codes == {"s"}:
        times, values = read_texts(connection, series, query.field, query.start_ms, query.end_ms)
        if query.step_ms is not None:
            times, values = step_texts(times, values, query.step_ms, query.aggregate)
        return Series(series.device, series.tags, times, values)
    if query.step_ms is None:
        times, values = read_numbers(connection, series, query.field, query.start_ms, query.end_ms)
        return Series(series.device, series.tags, times, values)
    if query.step_ms % HOUR_MS == 0:
        summary = fold(read_hours(connection, series, query), query.step_ms)
    else:
        summary = summarise(*read_numbers(connection, series, query.field, query.start_ms, query.end_ms), query.step_ms)
    return Series(series.device, series.tags, summary.starts, summary.pick(query.aggregate))


def read_hours(connection: sqlite3.Connection, series: SeriesKey, query: Query) -> Summary:
    """Summarise a range by hours: from rollups where they are up to date, from rows elsewhere."""
    start, end = query.start_ms, query.end_ms
    first, last = -(-start // HOUR_MS) * HOUR_MS, end - end % HOUR_MS
    stale = dirty_hours(connection, query.site, first, last)
    edges = [(start, min(first, end)), (max(last, first), end)] if first <= last else [(start, end)]
    parts = [rolled_hours(connection, series.id, query.field, (first, last), stale)]
    for low, high in (*edges, *stretches(stale)):
        if low < high:
            parts.append(summarise(*read_numbers(connection, series, query.field, low, high), HOUR_MS))
    return join(*parts)


def column_codes(connection: sqlite3.Connection, series: int, field: str) -> set[str]:
    """Return the codes that a field has had in a series; none when the series never had it."""
    layouts = connection.execute(
        "SELECT l.columns FROM series_layout sl JOIN layout l ON l.id = sl.layout WHERE sl.series = ?",
        (series,),
    )
    return {column.code for (text,) in layouts for column in parse_layout(text).columns if column.name == field}


def read_numbers(
    connection: sqlite3.Connection, series: SeriesKey, field: str, start_ms: int, end_ms: int
) -> tuple[Ints, Floats]:
    """Return the times and values of a numeric field, in order, each row once."""
    kept, parts = _read_columns(connection, series, field, (start_ms, end_ms), texts=False)
    found, order = _merge(kept)
    values: Floats = np.concatenate([np.zeros(0), *(data.floats()[keep] for data, keep in parts)])
    return found, values if order is None else values[order]


def read_texts(
    connection: sqlite3.Connection, series: SeriesKey, field: str, start_ms: int, end_ms: int
) -> tuple[Ints, list[str]]:
    """Return the times and values of a text field, in order, each row once."""
    kept, parts = _read_columns(connection, series, field, (start_ms, end_ms), texts=True)
    found, order = _merge(kept)
    values = [data.texts[number] for data, keep in parts for number in data.numbers[keep].tolist()]
    return found, values if order is None else [values[place] for place in order.tolist()]


_Kept = tuple[Ints, Ints, Ints]


def _read_columns(
    connection: sqlite3.Connection, series: SeriesKey, field: str, within: tuple[int, int], *, texts: bool
) -> tuple[list[_Kept], list[tuple[ColumnData, NDArray[np.intp]]]]:
    """Return (epochs, seqs, times) and (column, indexes kept) for each layout that has the field."""
    kept: list[_Kept] = []
    parts: list[tuple[ColumnData, NDArray[np.intp]]] = []
    for layout, chunks in by_layout(find_chunks(connection, series.id, series.longest_ms, *within)).items():
        column = next((item for item in parse_layout(layout).columns if item.name == field), None)
        if column is None or (column.code == "s") is not texts:
            continue
        rows = decode_chunks(chunks, {field})
        data = rows.columns[field]
        mask = (rows.times_ms >= within[0]) & (rows.times_ms < within[1])
        if data.present is not None:
            mask &= data.present
        keep = np.flatnonzero(mask)
        kept.append((rows.epochs[keep], rows.seqs[keep], rows.times_ms[keep]))
        parts.append((data, keep))
    return kept, parts


def _merge(kept: Sequence[_Kept]) -> tuple[Ints, NDArray[np.intp] | None]:
    """Return all times in order with each row once, and the order they came in (None: as it was)."""
    if not kept:
        return np.zeros(0, np.int64), None
    epochs, seqs, times = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = row_order(epochs, seqs, times)
    return (times, None) if order is None else (times[order], order)


def latest_rows(connection: sqlite3.Connection, site: str) -> list[Latest]:
    """Return the newest row of each series of a site that has any."""
    found: list[Latest] = []
    for series in series_of(connection, site):
        candidates = _newest_chunks(connection, series)
        if candidates:
            _, _, chunk, place = max(map(_newest_row, candidates), key=lambda row: row[:2])
            found.append(_latest(series, chunk, place))
    return found


def _newest_chunks(connection: sqlite3.Connection, series: SeriesKey) -> list[Chunk]:
    """Return chunks among which is the one with the series' newest row."""
    (begun,) = connection.execute("SELECT max(t_min) FROM chunk WHERE series = ?", (series.id,)).fetchone()
    if begun is None:
        return []
    # Whatever ends last has begun by then and not ended before.
    return find_chunks(connection, series.id, series.longest_ms, begun, begun + 1)


def _newest_row(chunk: Chunk) -> tuple[int, int, Chunk, int]:
    _, matrix = columns_matrix(chunk)
    place = int(np.lexsort((matrix[0], matrix[1]))[-1])
    return int(matrix[1][place]) + chunk.offset_ms, int(matrix[0][place]) + chunk.first_seq, chunk, place


def _latest(series: SeriesKey, chunk: Chunk, place: int) -> Latest:
    layout, matrix = columns_matrix(chunk)
    lists = iter(json.loads(chunk.texts or "[]"))
    fields: dict[str, Value] = {}
    for column in layout.columns:
        texts = tuple(next(lists)) if column.code == "s" else ()
        at = layout.places[column.name]
        if not column.nullable or matrix[at - 1][place]:
            whole = Column(column.name, column.code, column.nullable, texts)
            fields[column.name] = value_of(whole, int(matrix[at][place]))
    time_ms = int(matrix[1][place]) + chunk.offset_ms
    return Latest(series.device, series.measurement, series.tags, time_ms, fields)


def catalogue_of(connection: sqlite3.Connection, site: str) -> list[SeriesInfo]:
    """Return a site's series with the fields each has had."""
    found: list[SeriesInfo] = []
    for series in series_of(connection, site):
        layouts = connection.execute(
            "SELECT l.columns FROM series_layout sl JOIN layout l ON l.id = sl.layout WHERE sl.series = ?",
            (series.id,),
        )
        fields = {column.name for (text,) in layouts for column in parse_layout(text).columns}
        found.append(SeriesInfo(series.device, series.measurement, series.tags, tuple(sorted(fields))))
    return found
