"""Hourly rollups: count, sum, extremes and last value of each numeric field.

`hour` holds the rollups of rows that are here; they are recomputed whenever rows of the hour came or went, and
an hour with such a change pending is dirty. `kept_hour` holds those of rows that were trimmed. One hour may
have both, when rows arrive after the trimming: each row is in one of them, never in both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np

from aldea.storage.series.sqlite.chunks import Rows, by_layout, decode_chunks, find_chunks, row_order
from aldea.storage.series.sqlite.names import Names
from aldea.storage.series.summary import HOUR_MS, Summary, empty_summary, summarise

_ROLLED = (
    "SELECT hour, count, total, low, high, last, last_ms FROM {}"
    " WHERE series = :series AND field = :field AND hour >= :first AND hour < :end"
)


def dirty_hours(connection: sqlite3.Connection, site: str, first_ms: int, end_ms: int) -> list[int]:
    """Return a site's hours whose rollups are out of date, in order."""
    rows = connection.execute(
        "SELECT d.hour FROM dirty_hour d JOIN site ON site.id = d.site"
        " WHERE site.name = ? AND d.hour >= ? AND d.hour < ? ORDER BY d.hour",
        (site, first_ms, end_ms),
    )
    return [hour for (hour,) in rows]


def stretches(hours: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield hours, which must be in order, as ranges from their start up to before their end."""
    first = end = None
    for hour in hours:
        if hour != end:
            if first is not None and end is not None:
                yield first, end
            first = hour
        end = hour + HOUR_MS
    if first is not None and end is not None:
        yield first, end


def rolled_hours(
    connection: sqlite3.Connection, series: int, field: str, within: tuple[int, int], stale: Sequence[int]
) -> Summary:
    """Return a field's rollups: those kept of trimmed rows always, the others for hours not in `stale`."""
    found = connection.execute("SELECT id FROM field WHERE name = ?", (field,)).fetchone()
    if found is None or within[0] >= within[1]:
        return empty_summary()
    key = {"series": series, "field": found[0], "first": within[0], "end": within[1]}
    skip = set(stale)
    rows = [row for row in connection.execute(_ROLLED.format("hour"), key) if row[0] not in skip]
    rows += connection.execute(_ROLLED.format("kept_hour"), key).fetchall()
    if not rows:
        return empty_summary()
    starts, count, total, low, high, last, last_ms = zip(*rows, strict=True)
    return Summary(
        np.array(starts, np.int64),
        np.array(count, np.int64),
        np.array(total, np.float64),
        np.array(low, np.float64),
        np.array(high, np.float64),
        np.array(last, np.float64),
        np.array(last_ms, np.int64),
    )


def roll_up(connection: sqlite3.Connection, names: Names, limit: int, before_ms: int | None = None) -> int:
    """Recompute up to `limit` dirty hours, the oldest first, and return how many there were."""
    dirty = connection.execute(
        "SELECT hour, site FROM dirty_hour WHERE hour < ? ORDER BY hour, site LIMIT ?",
        (2**62 if before_ms is None else before_ms, limit),
    ).fetchall()
    by_site: dict[int, list[int]] = {}
    for hour, site in dirty:
        by_site.setdefault(site, []).append(hour)
    for site, hours in by_site.items():
        series = connection.execute("SELECT id, longest_ms FROM series WHERE site = ?", (site,)).fetchall()
        for first, end in stretches(hours):
            for key, longest_ms in series:
                _roll_up_series(connection, names, (key, longest_ms), first, end)
            connection.execute("DELETE FROM dirty_hour WHERE site = ? AND hour >= ? AND hour < ?", (site, first, end))
    return len(dirty)


def _roll_up_series(
    connection: sqlite3.Connection, names: Names, series: tuple[int, int], first_ms: int, end_ms: int
) -> None:
    connection.execute("DELETE FROM hour WHERE series = ? AND hour >= ? AND hour < ?", (series[0], first_ms, end_ms))
    groups = by_layout(find_chunks(connection, *series, first_ms, end_ms)).values()
    decoded = [decode_chunks(chunks) for chunks in groups]
    fields = {name for rows in decoded for name, data in rows.columns.items() if data.code != "s"}
    for field in fields:
        summary = _field_hours(decoded, field, first_ms, end_ms)
        number = names.field(field)
        figures = (
            summary.starts,
            summary.count,
            summary.total,
            summary.low,
            summary.high,
            summary.last,
            summary.last_ms,
        )
        connection.executemany(
            "INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(series[0], row[0], number, *row[1:]) for row in zip(*(part.tolist() for part in figures), strict=True)],
        )


def _field_hours(decoded: Sequence[Rows], field: str, first_ms: int, end_ms: int) -> Summary:
    kept = []
    for rows in decoded:
        data = rows.columns.get(field)
        if data is None or data.code == "s":
            continue
        mask = (rows.times_ms >= first_ms) & (rows.times_ms < end_ms)
        if data.present is not None:
            mask &= data.present
        kept.append((rows.epochs[mask], rows.seqs[mask], rows.times_ms[mask], data.floats()[mask]))
    epochs, seqs, times, values = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = row_order(epochs, seqs, times)
    return summarise(times, values, HOUR_MS) if order is None else summarise(times[order], values[order], HOUR_MS)


def keep_hours(connection: sqlite3.Connection, series: int, before_ms: int) -> None:
    """Move a series' rollups of hours before `before_ms` to those kept, whose rows are being trimmed."""
    connection.execute(
        "INSERT INTO kept_hour SELECT series, field, hour, count, total, low, high, last, last_ms FROM hour"
        " WHERE series = ? AND hour < ?"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total,"
        " low = min(low, excluded.low), high = max(high, excluded.high),"
        " last = CASE WHEN excluded.last_ms >= last_ms THEN excluded.last ELSE last END,"
        " last_ms = max(last_ms, excluded.last_ms)",
        (series, before_ms),
    )
    connection.execute("DELETE FROM hour WHERE series = ? AND hour < ?", (series, before_ms))


def drop_hours(connection: sqlite3.Connection, before_ms: int) -> None:
    """Remove all rollups of hours before `before_ms`."""
    for (series,) in connection.execute("SELECT id FROM series").fetchall():
        connection.execute("DELETE FROM hour WHERE series = ? AND hour < ?", (series, before_ms))
        for (field,) in connection.execute("SELECT id FROM field").fetchall():
            connection.execute(
                "DELETE FROM kept_hour WHERE series = ? AND field = ? AND hour < ?", (series, field, before_ms)
            )
