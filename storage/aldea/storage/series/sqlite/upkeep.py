"""Joining small chunks, trimming old ones, removing a site."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from aldea.model.columns import Bools, Ints, encode_stream
from aldea.model.wire import Column
from aldea.storage.series.sqlite.chunks import (
    Chunk,
    ColumnData,
    Rows,
    by_layout,
    columns_matrix,
    decode_chunks,
    find_chunks,
    row_order,
)
from aldea.storage.series.sqlite.hours import keep_hours, roll_up
from aldea.storage.series.sqlite.names import Names, layout_text
from aldea.storage.series.sqlite.writing import INSERT_CHUNK, keep_rows
from aldea.storage.series.summary import DAY_MS, HOUR_MS


def compact_day(connection: sqlite3.Connection, names: Names, day_ms: int, site: int) -> int:
    """Join the chunks of each of a site's series that begin on one UTC day. Return how many went."""
    gone = 0
    for (series,) in connection.execute("SELECT id FROM series WHERE site = ?", (site,)).fetchall():
        # No reach backwards (longest_ms 0): a chunk belongs to the day on which it begins.
        chunks = find_chunks(connection, series, 0, day_ms, day_ms + DAY_MS)
        for epoch in {chunk.epoch for chunk in chunks}:
            for members in _compatible([chunk for chunk in chunks if chunk.epoch == epoch]):
                if len(members) > 1:
                    _join(connection, names, members)
                    gone += len(members) - 1
    connection.execute("DELETE FROM loose_day WHERE day = ? AND site = ?", (day_ms, site))
    return gone


def _compatible(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Group chunks whose columns of one name have one code, whether or not they have the same columns."""
    groups: list[tuple[dict[str, str], list[Chunk]]] = []
    for layout, members in by_layout(chunks).items():
        codes = dict(item.rstrip("?").split(":") for item in layout.split())
        for known, joined in groups:
            if all(known.get(name, code) == code for name, code in codes.items()):
                known.update(codes)
                joined.extend(members)
                break
        else:
            groups.append((codes, list(members)))
    return [members for _, members in groups]


def _join(connection: sqlite3.Connection, names: Names, chunks: Sequence[Chunk]) -> None:
    """Replace chunks of one series and epoch by a single one with each row once, in order of time."""
    parts = [decode_chunks(members) for members in by_layout(chunks).values()]
    seqs = np.concatenate([part.seqs for part in parts])
    times = np.concatenate([part.times_ms for part in parts])
    order = row_order(np.zeros(len(seqs), np.int64), seqs, times)
    if order is None:
        order = np.arange(len(seqs))
    first_seq = int(seqs.min())
    arrays, columns = [seqs[order] - first_seq, times[order]], list[Column]()
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        column, present, numbers = _join_column(name, parts)
        if present is not None:
            arrays.append(present[order].astype(np.int64))
        arrays.append(numbers[order])
        columns.append(column)
    texts = [list(column.texts) for column in columns if column.code == "s"]
    low, high = int(times.min()), int(times.max())
    series = chunks[0].series
    layout = names.layout(layout_text(columns))
    connection.executemany(
        "DELETE FROM chunk WHERE series = ? AND t_min = ? AND id = ?",
        [(chunk.series, chunk.t_min, chunk.id) for chunk in chunks],
    )
    names.widen(series, high - low)
    names.has_layout(series, layout)
    connection.execute(
        INSERT_CHUNK,
        (
            series,
            low,
            names.take_chunk_id(),
            high,
            len(order),
            chunks[0].epoch,
            first_seq,
            0,
            layout,
            json.dumps(texts, separators=(",", ":")) if texts else None,
            encode_stream(arrays),
        ),
    )


def _join_column(name: str, parts: Sequence[Rows]) -> tuple[Column, Bools | None, Ints]:
    """Put one column's pieces together; where a piece lacks the column, its values are absent."""
    words: dict[str, int] = {}
    numbers: list[Ints] = []
    presents: list[Bools] = []
    code = ""
    for part in parts:
        data = part.columns.get(name)
        rows = len(part.seqs)
        if data is None:
            numbers.append(np.zeros(rows, np.int64))
            presents.append(np.zeros(rows, np.bool_))
            continue
        code = data.code
        present = np.ones(rows, np.bool_) if data.present is None else data.present
        numbers.append(_renumbered(data, present, words) if code == "s" else data.numbers)
        presents.append(present)
    joined = np.concatenate(presents)
    nullable = not bool(joined.all())
    column = Column(name, code, nullable, tuple(words))
    return column, joined if nullable else None, np.concatenate(numbers)


def _renumbered(data: ColumnData, present: Bools, words: dict[str, int]) -> Ints:
    """Return the column's indexes into `words`, which grows by what it lacks; absent values become 0."""
    places = np.array([words.setdefault(text, len(words)) for text in data.texts] or [0], np.int64)
    return places[np.where(present, data.numbers, 0)]


def trim_site(connection: sqlite3.Connection, site: int, before_ms: int) -> None:
    """Remove a site's rows before `before_ms`, a full hour whose rollups are up to date; these are kept."""
    for series, longest_ms in connection.execute(
        "SELECT id, longest_ms FROM series WHERE site = ?", (site,)
    ).fetchall():
        connection.execute(
            "DELETE FROM chunk WHERE series = ? AND t_min < ? AND t_max < ?", (series, before_ms, before_ms)
        )
        for chunk in find_chunks(connection, series, longest_ms, before_ms, before_ms + 1):
            if chunk.t_min < before_ms:
                _, matrix = columns_matrix(chunk)
                keep_rows(connection, chunk, matrix[:, matrix[1] + chunk.offset_ms >= before_ms])
        keep_hours(connection, series, before_ms)
    connection.execute("DELETE FROM loose_day WHERE site = ? AND day < ?", (site, before_ms - DAY_MS))


def roll_up_before(connection: sqlite3.Connection, names: Names, before_ms: int) -> int:
    """Bring some rollups of hours before `before_ms` up to date; 0 when none is left to do."""
    return roll_up(connection, names, 500, before_ms)


def whole_hour(time_ms: int) -> int:
    """Return the hour that `time_ms` is in."""
    return time_ms - time_ms % HOUR_MS


def remove_site(connection: sqlite3.Connection, site: str) -> None:
    """Remove everything that is known of a site."""
    found = connection.execute("SELECT id FROM site WHERE name = ?", (site,)).fetchone()
    if found is None:
        return
    mine = "series IN (SELECT id FROM series WHERE site = ?)"
    for table in ("chunk", "hour", "kept_hour", "series_layout"):
        connection.execute(f"DELETE FROM {table} WHERE {mine}", found)  # noqa: S608 - our words
    for table in ("dirty_hour", "loose_day", "series"):
        connection.execute(f"DELETE FROM {table} WHERE site = ?", found)  # noqa: S608 - our words
    connection.execute("DELETE FROM site WHERE id = ?", found)
