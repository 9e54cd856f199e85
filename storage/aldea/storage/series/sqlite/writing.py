"""Rows into chunks, and out of them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from aldea.model.columns import Block, Ints, TimedBatch, encode_stream
from aldea.storage.series.sqlite.chunks import Chunk, columns_matrix, find_chunks
from aldea.storage.series.sqlite.names import Names, layout_text, tags_json, texts_json
from aldea.storage.series.summary import DAY_MS, HOUR_MS

INSERT_CHUNK = "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def insert(connection: sqlite3.Connection, names: Names, batches: Sequence[TimedBatch]) -> None:
    """Add a chunk for each block, and note the hours and days that it touches."""
    rows: list[tuple[object, ...]] = []
    spans: dict[int, list[tuple[int, int]]] = {}
    for timed in batches:
        header = timed.batch.header
        if not timed.batch.blocks:
            continue
        site, epoch = names.site(header.site), names.epoch(header.epoch)
        earliest, latest = 2**62, -(2**62)
        for block, (first, last) in zip(timed.batch.blocks, timed.batch.mono_spans(), strict=True):
            low, high = first + timed.offset_ms, last + timed.offset_ms
            earliest, latest = min(earliest, low), max(latest, high)
            rows.append(
                (
                    names.series(site, header.device, block.spec.measurement, block.spec.tags, high - low),
                    low,
                    names.take_chunk_id(),
                    high,
                    block.spec.rows,
                    epoch,
                    header.first_seq,
                    timed.offset_ms,
                    names.layout(block.spec.layout or layout_text(block.spec.columns)),
                    _texts_of(block),
                    block.raw,
                )
            )
            names.has_layout(rows[-1][0], rows[-1][8])  # type: ignore[arg-type]  # two ints of a mixed tuple
        spans.setdefault(site, []).extend(_touched(timed, earliest, latest))
    connection.executemany(INSERT_CHUNK, rows)
    names.keep_chunk_ids()
    for site, ranges in spans.items():
        mark(connection, site, ranges)


def _touched(timed: TimedBatch, earliest: int, latest: int) -> list[tuple[int, int]]:
    """Return ranges that hold the batch's rows: one, or single hours when that one would be very long."""
    if latest - earliest <= DAY_MS:
        return [(earliest, latest)]
    times = np.concatenate([block.mono_ms for block in timed.batch.blocks]) + timed.offset_ms
    return [(hour, hour) for hour in np.unique(times - times % HOUR_MS).tolist()]


def _texts_of(block: Block) -> str | None:
    lists = tuple([column.texts for column in block.spec.columns if column.code == "s"])
    return texts_json(lists) if lists else None


def mark(connection: sqlite3.Connection, site: int, ranges: Iterable[tuple[int, int]]) -> None:
    """Note that rows of a site within `ranges` (both ends included) came or went."""
    hours: set[int] = set()
    for first, last in ranges:
        hours.update(range(first - first % HOUR_MS, last + 1, HOUR_MS))
    connection.executemany("INSERT OR IGNORE INTO dirty_hour VALUES (?, ?)", [(site, hour) for hour in hours])
    days = {hour - hour % DAY_MS for hour in hours}
    connection.executemany("INSERT OR IGNORE INTO loose_day VALUES (?, ?)", [(day, site) for day in days])


def remove(connection: sqlite3.Connection, batches: Sequence[TimedBatch]) -> None:
    """Take exactly the rows of `batches` out of whatever chunks hold them."""
    for timed in batches:
        header = timed.batch.header
        for block, (first, last) in zip(timed.batch.blocks, timed.batch.mono_spans(), strict=True):
            found = connection.execute(
                "SELECT s.site, s.id, s.longest_ms, e.id FROM series s JOIN site ON site.id = s.site, epoch e"
                " WHERE site.name = ? AND s.measurement = ? AND s.device = ? AND s.tags = ? AND e.name = ?",
                (
                    header.site,
                    block.spec.measurement,
                    header.device,
                    tags_json(block.spec.tags),
                    header.epoch,
                ),
            ).fetchone()
            if found is None:
                continue
            site, series, longest_ms, epoch = found
            seqs = block.offsets + header.first_seq
            times = block.mono_ms + timed.offset_ms
            touched = False
            for chunk in find_chunks(
                connection, series, longest_ms, first + timed.offset_ms, last + timed.offset_ms + 1
            ):
                if chunk.epoch == epoch:
                    touched |= _remove_from(connection, chunk, seqs, times)
            if touched:
                mark(connection, site, [(time, time) for time in np.unique(times).tolist()])


def _remove_from(connection: sqlite3.Connection, chunk: Chunk, seqs: Ints, times_ms: Ints) -> bool:
    """Take rows out of one chunk. Return whether any was in it."""
    _, matrix = columns_matrix(chunk)
    order = np.argsort(seqs)
    own_seqs = matrix[0] + chunk.first_seq
    place = np.minimum(np.searchsorted(seqs[order], own_seqs), len(order) - 1)
    hit = order[place]
    gone = (seqs[hit] == own_seqs) & (times_ms[hit] == matrix[1] + chunk.offset_ms)
    if not gone.any():
        return False
    keep_rows(connection, chunk, matrix[:, ~gone])
    return True


def keep_rows(connection: sqlite3.Connection, chunk: Chunk, matrix: Ints) -> None:
    """Replace a chunk by what `matrix` (width, rows) still holds of it; by nothing when that is empty."""
    key = (chunk.series, chunk.t_min, chunk.id)
    if not matrix.shape[1]:
        connection.execute("DELETE FROM chunk WHERE series = ? AND t_min = ? AND id = ?", key)
        return
    connection.execute(
        "UPDATE chunk SET t_min = ?, t_max = ?, rows = ?, body = ? WHERE series = ? AND t_min = ? AND id = ?",
        (
            int(matrix[1].min()) + chunk.offset_ms,
            int(matrix[1].max()) + chunk.offset_ms,
            matrix.shape[1],
            encode_stream(list(matrix)),
            *key,
        ),
    )
