"""The series store on InfluxDB: line protocol in, InfluxQL out, which 1.x, 2.x and 3.x all speak."""

# ruff: noqa: S608 - InfluxQL has no parameters for names; words.py quotes everything that comes from outside

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np

from aldea.model.columns import Block, TimedBatch
from aldea.model.series import Latest, Query, Series, SeriesInfo, StoreRefused
from aldea.storage.series.influx.lines import NS_PER_MS, Lines, block_lines, row_stamps
from aldea.storage.series.influx.reading import catalogue_of, latest_rows, read_series
from aldea.storage.series.influx.server import Address, Server
from aldea.storage.series.influx.words import DEVICE, EPOCH, SITE, key_out, name_ql, safe, text_ql

REQUESTS_AT_ONCE = 4
"""So many that the server always has work, whatever a proxy before it holds back, and one core puts into words."""
_ROWS_A_REQUEST = 5_000
_BYTES_A_REQUEST = 4 * 1024 * 1024


class InfluxSeriesStore:
    """A `SeriesStore` in a database or bucket of an InfluxDB, which must exist.

    2.x needs a v1 mapping (DBRP) of the bucket for reading. 3.x Core cannot delete: `delete`, `delete_site`
    and `trim` raise StoreRefused with its answer.
    """

    def __init__(self, address: Address) -> None:
        """Take the address; nothing is sent before the first call."""
        self._server = Server(address)
        self._senders = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="influxdb")

    def write(self, batches: Sequence[TimedBatch]) -> None:
        """Store the rows.

        When the server will not take some blocks, all others are stored, and StoreRefused names each refused
        block with the server's words.
        """
        lines = (block_lines(timed, block) for timed in batches for block in timed.batch.blocks)
        sent: list[Future[list[str]]] = []
        under_way: set[Future[list[str]]] = set()
        try:
            for request in _requests(lines):
                # The next request is put into words while the server works on the ones before it.
                if len(under_way) >= REQUESTS_AT_ONCE:
                    _, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                sent.append(self._senders.submit(self._send, request))
                under_way.add(sent[-1])
        finally:
            # All must have ended before this returns: a straggler could bring back what is deleted next.
            wait(sent)
        refused = [words for future in sent for words in future.result()]
        if refused:
            raise StoreRefused("; ".join(refused))

    def _send(self, blocks: Sequence[Lines]) -> list[str]:
        """Send blocks, in halves when the server refuses them. Return what was refused even alone."""
        try:
            self._server.write(b"\n".join([block.text for block in blocks]))
        except StoreRefused as error:
            if len(blocks) == 1:
                return [f"{blocks[0]}: {error}"]
            middle = len(blocks) // 2
            return self._send(blocks[:middle]) + self._send(blocks[middle:])
        return []

    def delete(self, batches: Sequence[TimedBatch]) -> None:
        """Remove exactly these rows at exactly these times."""
        for timed in batches:
            for block in timed.batch.blocks:
                self._delete_block(timed, block)

    def _delete_block(self, timed: TimedBatch, block: Block) -> None:
        """Delete by ranges of time that hold this block's rows and no others."""
        header = timed.batch.header
        pairs = {SITE: header.site, DEVICE: header.device, EPOCH: header.epoch[:8]}
        pairs.update((key_out(key), safe(value)) for key, value in block.spec.tags if key and value)
        where = " AND ".join(f"{name_ql(key)} = {text_ql(value)}" for key, value in pairs.items())
        source = name_ql(safe(block.spec.measurement))
        ours = np.unique(row_stamps(timed, block))
        there = f"{where} AND time >= {ours[0]} AND time <= {ours[-1]}"
        answers = self._server.ask(f"SELECT * FROM {source} WHERE {there}")
        found = np.array(sorted({row[0] for answer in answers for row in answer.values}), np.int64)
        mine = np.isin(found, ours)
        # Neighbours of ours that are ours too go in one statement; a stranger between them splits it.
        edges = np.flatnonzero(np.diff(np.concatenate(([False], mine, [False])).astype(np.int8)))
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            self._server.ask(
                f"DELETE FROM {source} WHERE {where} AND time >= {found[first]} AND time <= {found[end - 1]}"
            )

    def read(self, query: Query) -> list[Series]:
        """Return the series that match.

        Raises ValueError for a text field with an aggregate that texts do not have.
        """
        return read_series(self._server, query)

    def latest(self, site: str) -> list[Latest]:
        """Return the newest row of each series of a site."""
        return latest_rows(self._server, site)

    def catalogue(self, site: str) -> list[SeriesInfo]:
        """Return which series and fields a site has."""
        return catalogue_of(self._server, site)

    def delete_site(self, site: str) -> None:
        """Remove everything of a site."""
        for measurement in self._measurements(site):
            self._server.ask(f"DELETE FROM {name_ql(measurement)} WHERE {name_ql(SITE)} = {text_ql(site)}")

    def _measurements(self, site: str) -> list[str]:
        where = f"WHERE {name_ql(SITE)} = {text_ql(site)}"
        answers = self._server.ask(f"SHOW MEASUREMENTS {where}")
        return [row[0] for answer in answers for row in answer.values]

    def trim(self, before_ms: int) -> None:
        """Remove rows older than `before_ms`, of our measurements only."""
        for answer in self._server.ask(f"SHOW MEASUREMENTS WHERE {name_ql(SITE)} != ''"):
            for (measurement,) in answer.values:
                self._server.ask(f"DELETE FROM {name_ql(measurement)} WHERE time < {before_ms * NS_PER_MS}")

    def close(self) -> None:
        """Close all connections."""
        self._senders.shutdown()
        self._server.close()


def _requests(blocks: Iterator[Lines]) -> Iterator[list[Lines]]:
    """Gather blocks into requests of a size that servers take as they are set up by default."""
    request: list[Lines] = []
    rows = size = 0
    for block in blocks:
        if request and (rows + block.spec.rows > _ROWS_A_REQUEST or size + len(block.text) > _BYTES_A_REQUEST):
            yield request
            request, rows, size = [], 0, 0
        request.append(block)
        rows += block.spec.rows
        size += len(block.text)
    if request:
        yield request
