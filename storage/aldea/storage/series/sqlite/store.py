"""The embedded series store: one SQLite file, one writer at a time, any number of readers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Full, LifoQueue

from aldea.model.columns import TimedBatch
from aldea.model.said import Said
from aldea.model.series import Latest, Query, Series, SeriesInfo, StoreUnavailable
from aldea.storage.series.sqlite import hours, upkeep, writing
from aldea.storage.series.sqlite.names import Names
from aldea.storage.series.sqlite.reading import catalogue_of, latest_rows, read_series
from aldea.storage.series.sqlite.tables import open_file, open_reader
from aldea.storage.series.summary import DAY_MS

_READERS = 8


class SqliteSeriesStore:
    """A `SeriesStore` in a file. Several processes may have it open; writes wait for each other.

    A write is on the disk when it returns (one commit with `synchronous=FULL` a call), so give it many
    batches at once. Besides the protocol it offers the upkeep that a scheduler calls: `roll_up`, `compact`
    and `trim_rollups`.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises StoreUnavailable when that fails, ValueError for a later version's."""
        self._path = path
        with _sentences(path):
            self._writer = open_file(path)
        self._names = Names(self._writer)
        self._lock = threading.Lock()
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue(_READERS)
        self._closed = False

    def write(self, batches: Sequence[TimedBatch]) -> None:
        """Store the rows durably, all of them or, when it raises StoreUnavailable, none."""
        with self._writing() as connection:
            writing.insert(connection, self._names, batches)

    def delete(self, batches: Sequence[TimedBatch]) -> None:
        """Remove exactly these rows at exactly these times."""
        with self._writing() as connection:
            writing.remove(connection, batches)

    def read(self, query: Query) -> list[Series]:
        """Return the series that match. Steps of whole hours are read from rollups where these are ready.

        Raises ValueError for a text field with an aggregate that texts do not have.
        """
        with self._reading() as connection:
            return read_series(connection, query)

    def latest(self, site: str) -> list[Latest]:
        """Return the newest row of each series of a site."""
        with self._reading() as connection:
            return latest_rows(connection, site)

    def catalogue(self, site: str) -> list[SeriesInfo]:
        """Return which series and fields a site has had."""
        with self._reading() as connection:
            return catalogue_of(connection, site)

    def delete_site(self, site: str) -> None:
        """Remove everything of a site, rollups included."""
        with self._writing() as connection:
            upkeep.remove_site(connection, site)
            self._names.forget()

    def trim(self, before_ms: int) -> None:
        """Remove rows before the full hour that `before_ms` is in; their rollups stay."""
        before_ms = upkeep.whole_hour(before_ms)
        with self._reading() as connection:
            sites = connection.execute("SELECT id FROM site").fetchall()
        for (site,) in sites:
            with self._writing() as connection:
                while upkeep.roll_up_before(connection, self._names, before_ms):
                    pass
                upkeep.trim_site(connection, site, before_ms)

    def trim_rollups(self, before_ms: int) -> None:
        """Remove the rollups of hours before the full hour that `before_ms` is in."""
        with self._writing() as connection:
            hours.drop_hours(connection, upkeep.whole_hour(before_ms))

    def roll_up(self, limit: int = 500) -> int:
        """Recompute up to `limit` hours (of one site each) whose rows changed; return how many it did."""
        with self._writing() as connection:
            return hours.roll_up(connection, self._names, limit)

    def compact(self, before_ms: int) -> int:
        """Join the small chunks of each series and UTC day that ended by `before_ms`; return how many went.

        One commit for each site and day: it can be interrupted anywhere, and done again.
        """
        with self._reading() as connection:
            loose = connection.execute(
                "SELECT day, site FROM loose_day WHERE day <= ? ORDER BY day", (before_ms - DAY_MS,)
            ).fetchall()
        gone = 0
        for day, site in loose:
            with self._writing() as connection:
                gone += upkeep.compact_day(connection, self._names, day, site)
                self._names.keep_chunk_ids()
        return gone

    def close(self) -> None:
        """Close the file. Reads still going on in other threads finish first or fail as unavailable."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            while True:
                try:
                    self._idle.get_nowait().close()
                except Empty:
                    break
            self._writer.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _sentences(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._names.begin()
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                self._names.forget()
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction, so that everything read is of one moment."""
        with _sentences(self._path):
            if self._closed:
                raise StoreUnavailable(f"the series store {self._path} is closed")
            try:
                connection = self._idle.get_nowait()
            except Empty:
                connection = open_reader(self._path)
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
            return
        try:
            self._idle.put_nowait(connection)
        except Full:
            connection.close()


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(
            Said(
                f"the series store {path} does not work just now: {error}",
                f"el almacén de series {path} no funciona por ahora: {error}",
            )
        ) from error
