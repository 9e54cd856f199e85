"""Chunks: found by series and time, decoded many at once, and written anew."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aldea.model.columns import Bools, Floats, Ints, decode_stream
from aldea.storage.series.sqlite.names import Layout, parse_layout


class Chunk(NamedTuple):
    """One row of the table, with its layout's text."""

    series: int
    t_min: int
    id: int
    t_max: int
    rows: int
    epoch: int
    first_seq: int
    offset_ms: int
    layout: str
    texts: str | None
    body: bytes


_CHUNK = (
    "SELECT c.series, c.t_min, c.id, c.t_max, c.rows, c.epoch, c.first_seq, c.offset_ms, l.columns, c.texts,"
    " c.body FROM chunk c JOIN layout l ON l.id = c.layout"
)


def find_chunks(
    connection: sqlite3.Connection, series: int, longest_ms: int, start_ms: int, end_ms: int
) -> list[Chunk]:
    """Return the chunks of a series that may have rows from `start_ms` up to before `end_ms`."""
    return [
        Chunk._make(row)
        for row in connection.execute(
            f"{_CHUNK} WHERE c.series = ? AND c.t_min >= ? AND c.t_min < ? AND c.t_max >= ?",
            (series, start_ms - longest_ms, end_ms, start_ms),
        )
    ]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnData:
    """One column of many rows. `numbers` are as on the wire; of texts, indexes into `texts`."""

    code: str
    numbers: Ints
    present: Bools | None
    texts: list[str]

    def floats(self) -> Floats:
        """Return the values as floats: reals as they are, flags as 0 and 1. Not for texts."""
        if self.code == "b":
            return np.asarray(self.numbers != 0, np.float64)
        values: Floats = self.numbers.astype(np.float64)
        return values if self.code == "i" else values / 10 ** int(self.code)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Decoded rows of chunks that share a layout, in the chunks' order: duplicates are still there."""

    epochs: Ints
    seqs: Ints
    times_ms: Ints
    columns: dict[str, ColumnData]


def by_layout(chunks: Iterable[Chunk]) -> dict[str, list[Chunk]]:
    """Group chunks by layout, each group in the order it came."""
    groups: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        groups.setdefault(chunk.layout, []).append(chunk)
    return groups


def decode_chunks(chunks: Sequence[Chunk], fields: Collection[str] | None = None) -> Rows:
    """Decode chunks that share a layout in one pass; `fields` None gives all columns."""
    layout = parse_layout(chunks[0].layout)
    sizes = np.array([chunk.rows for chunk in chunks], np.intp)
    numbers = decode_stream(b"".join([chunk.body for chunk in chunks]), np.repeat(sizes, layout.width))
    pick = _Picker(numbers, sizes, layout.width)

    def of_chunk(values: list[int]) -> Ints:
        return np.repeat(np.array(values, np.int64), sizes)

    columns: dict[str, ColumnData] = {}
    text_place = 0
    for column in layout.columns:
        if fields is None or column.name in fields:
            place = layout.places[column.name]
            values, texts = pick(place), list[str]()
            if column.code == "s":
                bases, texts = _texts(chunks, text_place)
                values = values + of_chunk(bases)
            present = pick(place - 1) != 0 if column.nullable else None
            columns[column.name] = ColumnData(column.code, values, present, texts)
        text_place += column.code == "s"
    return Rows(
        epochs=of_chunk([chunk.epoch for chunk in chunks]),
        seqs=pick(0) + of_chunk([chunk.first_seq for chunk in chunks]),
        times_ms=pick(1) + of_chunk([chunk.offset_ms for chunk in chunks]),
        columns=columns,
    )


class _Picker:
    """Picks one column out of the numbers of chunks that lie one behind the other."""

    def __init__(self, numbers: Ints, sizes: NDArray[np.intp], width: int) -> None:
        self._numbers = numbers
        self._sizes = np.repeat(sizes, sizes)
        before = np.cumsum(sizes) - sizes
        # A chunk's numbers start at width * (rows before it), its rows count from 0 again.
        within = np.arange(int(sizes.sum())) - np.repeat(before, sizes)
        self._first = np.repeat(before * width, sizes) + within

    def __call__(self, place: int) -> Ints:
        picked: Ints = self._numbers[self._first + place * self._sizes]
        return picked


def _texts(chunks: Sequence[Chunk], place: int) -> tuple[list[int], list[str]]:
    """Return all chunks' texts of one column in a row, and where each chunk's begin."""
    bases: list[int] = []
    texts: list[str] = []
    known: dict[str, int] = {}
    for chunk in chunks:
        encoded = chunk.texts or "[]"
        if encoded not in known:
            known[encoded] = len(texts)
            lists = json.loads(encoded)
            texts += lists[place] if place < len(lists) else []
        bases.append(known[encoded])
    return bases, texts


def row_order(epochs: Ints, seqs: Ints, times_ms: Ints) -> NDArray[np.intp] | None:
    """Return the indexes that put rows in order of time with each row once; None when they already are.

    The same row may stand in two chunks: written again, or within an overlapping batch.
    """
    if not len(times_ms) or bool((times_ms[1:] > times_ms[:-1]).all()):
        return None
    order = np.lexsort((seqs, epochs, times_ms))
    same = (
        (times_ms[order][1:] == times_ms[order][:-1])
        & (epochs[order][1:] == epochs[order][:-1])
        & (seqs[order][1:] == seqs[order][:-1])
    )
    return order[np.concatenate(([True], ~same))]


def columns_matrix(chunk: Chunk) -> tuple[Layout, Ints]:
    """Decode one chunk as a matrix (width, rows) as on the wire."""
    layout = parse_layout(chunk.layout)
    numbers = decode_stream(chunk.body, [chunk.rows] * layout.width)
    return layout, numbers.reshape(layout.width, chunk.rows)
