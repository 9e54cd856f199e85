"""A collector's parts without its threads and its broker: real files, a clock that is moved by hand."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from aldea.collector.feed_follower import FeedFollower
from aldea.collector.ingest import Ingestor
from aldea.collector.journal import Cursors, Journal, JournalReader
from aldea.collector.recent import RecentBatches
from aldea.collector.series_follower import SeriesFollower
from aldea.model.clock import ManualClock
from aldea.model.intervals import IntervalSet
from aldea.model.series import Query
from aldea.storage.register import Register, open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.sender import Sender
from registerkit import clean_file

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.collector.streams import StreamRecord
    from aldea.collector.turn import Incoming
    from aldea.model.messages import Ack
    from aldea.model.series import SeriesStore
    from aldea.model.topics import Topic


NAME = "main"


class Desk:
    """What takes messages in, opened on a folder; open another on the same folder for a restart."""

    def __init__(self, folder: Path, clock: ManualClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or ManualClock(mono_ms=10_000_000)
        self.known = {("norte-01", "agent"), ("sur-02", "agent")}
        self.journal = Journal(folder / "journal.db")
        self.cursors = Cursors(folder / "cursors.db", self.journal.id)
        self.recent = RecentBatches()
        self.ingestor = Ingestor(self.journal, self.clock, lambda *device: device in self.known, self.recent)
        self.norte = Sender(self.clock)
        self.sur = Sender(self.clock, site="sur-02", epoch="fedcba9876543210")
        self._open: list[JournalReader] = []

    def send(self, *messages: Incoming) -> list[tuple[Topic, Ack]]:
        """Let the messages arrive as one group; return the answers."""
        return self.ingestor.take(messages)

    def answer(self, *messages: Incoming) -> Ack:
        """As `send`, when there is one answer."""
        ((_, ack),) = self.send(*messages)
        return ack

    def record(self, sender: Sender | None = None) -> StreamRecord:
        """Return what is known of a stream."""
        of = sender or self.norte
        found = self.ingestor.coverage.get((of.site, of.device, of.epoch))
        assert found is not None
        return found

    def seqs(self, sender: Sender | None = None) -> list[int]:
        """Return every seq that stands in the journal's entries, as often as it does."""
        of = sender or self.norte
        found: list[int] = []
        for entry in self.reader().after(0, 100_000):
            if entry.epoch == of.epoch and entry.first_seq is not None and entry.last_seq is not None:
                found += range(entry.first_seq, entry.last_seq + 1)
        return sorted(found)

    def reader(self) -> JournalReader:
        """Return a reader of the journal."""
        self._open.append(JournalReader(self.journal.path))
        return self._open[-1]

    def quarantine(self) -> list[tuple[str, int]]:
        """Return (reason, times) of what is in quarantine."""
        return [(reason, times) for reason, times, _, _ in self.journal.quarantined()]

    def series_follower(self, store: SeriesStore) -> SeriesFollower:
        """Return what writes to the series store, with nothing kept in memory."""
        return SeriesFollower(self.reader(), self.cursors, store, RecentBatches())

    def feed_follower(self, register: Register) -> FeedFollower:
        """Return what writes to the register."""
        coverage = self.ingestor.coverage
        return FeedFollower(NAME, self.reader(), self.cursors, register, RecentBatches(), coverage, self.clock)

    def close(self) -> None:
        """Close the files."""
        for reader in self._open:
            reader.close()
        self.journal.close()
        self.cursors.close()


def run(follower: SeriesFollower | FeedFollower) -> None:
    """Let a follower do all there is."""
    while follower.step():
        pass


def times_in(store: SqliteSeriesStore, site: str = "norte-01") -> list[int]:
    """Return the wall milliseconds of every ping row that the store shows, in order."""
    found = store.read(Query(site, "ping", "sent", -(2**60), 2**60))
    return sorted(at for series in found for at in series.times_ms.tolist())


def rows_in_file(folder: Path) -> int:
    """Return how many rows stand in the store's file, a row that stands there twice counted twice."""
    with sqlite3.connect(folder / "series.db") as connection:
        (rows,) = connection.execute("SELECT coalesce(sum(rows), 0) FROM chunk").fetchone()
    connection.close()
    return int(rows)


def make_register(folder: Path, *sites: str) -> Register:
    """Return a migrated register with these sites, an agent each."""
    register = open_register(clean_file(folder))
    register_sites(register, *sites)
    return register


def register_sites(register: Register, *sites: str) -> None:
    """Register sites with an agent each."""
    with register.transaction() as unit:
        add_sites(unit, [_entry(name) for name in sites])


def _entry(name: str) -> SiteEntry:
    device = Device(name, "agent", "agent", 0)
    return SiteEntry(Site(name, name, "America/Merida", 0), 0, SiteState.COMMISSIONED, (), (device,))


def ranges(*pairs: tuple[int, int]) -> list[tuple[int, int]]:
    """Return ranges in order, joined."""
    return list(IntervalSet(pairs))


def advance_only_boots(desk: Desk) -> object:
    """Return what a follower's cursor does when it is killed between its store's commit and its own."""
    real = desk.cursors.advance

    def advance(consumer: str, position: int) -> None:
        if consumer != "boots":
            raise OSError("killed")
        real(consumer, position)

    return advance
