"""Numbers for the names that every chunk repeats: sites, series, epochs and layouts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from aldea.model.sample import Tags
from aldea.model.wire import Column


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """A series as the file knows it."""

    id: int
    device: str
    measurement: str
    tags: Tags
    longest_ms: int


SHORT_TEXTS = 2_000
"""Characters of a block's texts, all together, and one for each: longer ones are not kept in memory."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a chunk: which row of its (width, rows) numbers holds what."""

    columns: tuple[Column, ...]
    width: int
    places: dict[str, int]
    """Where each column's numbers are; a nullable column's presence is the row before."""


@lru_cache(maxsize=4096)
def parse_layout(text: str) -> Layout:
    """Read a layout's text, `name:code name:code? ...`."""
    columns: list[Column] = []
    places: dict[str, int] = {}
    width = 2
    for item in text.split():
        name, _, code = item.partition(":")
        column = Column(name, code.rstrip("?"), code.endswith("?"))
        width += 2 if column.nullable else 1
        places[name] = width - 1
        columns.append(column)
    return Layout(tuple(columns), width, places)


def layout_text(columns: Sequence[Column]) -> str:
    """Return the text of a layout, as `parse_layout` reads it."""
    return " ".join([f"{c.name}:{c.code}?" if c.nullable else f"{c.name}:{c.code}" for c in columns])


def texts_json(lists: tuple[tuple[str, ...], ...]) -> str:
    """Return the JSON of the text columns' lists."""
    short = sum([len(one) + 1 for listed in lists for one in listed]) <= SHORT_TEXTS
    return (_texts_json if short else _texts_json.__wrapped__)(lists)


@lru_cache(maxsize=4096)
def _texts_json(lists: tuple[tuple[str, ...], ...]) -> str:
    """Return the same. Cached: `failure` has the same few words for ever."""
    return json.dumps(lists, separators=(",", ":"))


def tags_json(tags: Tags) -> str:
    """Return the JSON of a series' tags."""
    return json.dumps(tags, separators=(",", ":"))


def tags_from(text: str) -> Tags:
    """Read what `tags_json` wrote."""
    return tuple((key, value) for key, value in json.loads(text))


class Names:
    """The writer's memory of the numbers given out. Only valid inside a transaction of the writer.

    Another process may have changed the file: `begin` notices and forgets.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = -1
        self._plain: dict[tuple[str, str], int] = {}
        self._series: dict[tuple[int, str, str, Tags], list[int]] = {}
        self._pairs: set[tuple[int, int]] = set()
        self._next_chunk = 0

    def begin(self) -> None:
        """Take what is remembered for true, or forget it if another connection wrote meanwhile."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or self._next_chunk == 0 or len(self._series) > 200_000:
            self.forget()
            self._version = version
            (self._next_chunk,) = self._connection.execute("SELECT id FROM next_chunk").fetchone()

    def forget(self) -> None:
        """Forget everything: after a rollback, or when names were removed."""
        self._plain.clear()
        self._series.clear()
        self._pairs.clear()
        self._next_chunk = 0

    def site(self, name: str) -> int:
        """Return the number of a site, giving it one if it is new."""
        return self._number("site", "name", name)

    def epoch(self, name: str) -> int:
        """Return the number of an epoch, giving it one if it is new."""
        return self._number("epoch", "name", name)

    def layout(self, text: str) -> int:
        """Return the number of a layout, giving it one if it is new."""
        return self._number("layout", "columns", text)

    def field(self, name: str) -> int:
        """Return the number of a field, giving it one if it is new."""
        return self._number("field", "name", name)

    def _number(self, table: str, column: str, name: str) -> int:
        known = self._plain.get((table, name))
        if known is not None:
            return known
        self._connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (name,))  # noqa: S608 - our words
        (number,) = self._connection.execute(
            f"SELECT id FROM {table} WHERE {column} = ?",  # noqa: S608 - our words
            (name,),
        ).fetchone()
        self._plain[table, name] = number
        return int(number)

    def series(self, site: int, device: str, measurement: str, tags: Tags, span_ms: int) -> int:
        """Return the number of a series, giving it one if it is new, and note that a chunk spans `span_ms`."""
        known = self._series.get((site, device, measurement, tags))
        if known is None:
            known = self._series[site, device, measurement, tags] = self._look_up(site, device, measurement, tags)
        if span_ms > known[1]:
            self.widen(known[0], span_ms)
            known[1] = span_ms
        return known[0]

    def widen(self, series: int, span_ms: int) -> None:
        """Note that the series has a chunk that spans `span_ms`."""
        self._connection.execute(
            "UPDATE series SET longest_ms = ?1 WHERE id = ?2 AND longest_ms < ?1", (span_ms, series)
        )

    def _look_up(self, site: int, device: str, measurement: str, tags: Tags) -> list[int]:
        key = (site, device, measurement, tags_json(tags))
        self._connection.execute(
            "INSERT OR IGNORE INTO series (site, device, measurement, tags) VALUES (?, ?, ?, ?)", key
        )
        return list(
            self._connection.execute(
                "SELECT id, longest_ms FROM series WHERE site = ? AND device = ? AND measurement = ? AND tags = ?",
                key,
            ).fetchone()
        )

    def has_layout(self, series: int, layout: int) -> None:
        """Note that a series has had a layout."""
        if (series, layout) not in self._pairs:
            self._connection.execute("INSERT OR IGNORE INTO series_layout VALUES (?, ?)", (series, layout))
            self._pairs.add((series, layout))

    def take_chunk_id(self) -> int:
        """Return a number for a new chunk. `keep_chunk_ids` must follow before the commit."""
        self._next_chunk += 1
        return self._next_chunk - 1

    def keep_chunk_ids(self) -> None:
        """Record how far chunk numbers have been given out."""
        self._connection.execute("UPDATE next_chunk SET id = ?", (self._next_chunk,))
