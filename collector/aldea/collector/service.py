"""The collector as a whole: its threads, and what it says of itself."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from aldea.collector.directory import Directory
from aldea.collector.feed_follower import CONSUMER as FEED
from aldea.collector.feed_follower import FeedFollower
from aldea.collector.ingest import Ingestor
from aldea.collector.journal import Cursors, Journal, JournalReader
from aldea.collector.mqtt import BrokerAddress, BrokerLink
from aldea.collector.recent import RecentBatches
from aldea.collector.series_follower import CONSUMER as SERIES
from aldea.collector.series_follower import SeriesFollower
from aldea.collector.worker import Worker
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

GROUP_MESSAGES = 500
REPORT_MS = 2_000
DAY_MS = 24 * 60 * 60 * 1000


class Collector:
    """Takes what agents send. `name` tells collectors that share a register apart.

    The data directory gets `journal.db` and `cursors.db`. Start it once; `stop` ends every thread in order.
    """

    def __init__(
        self,
        name: str,
        data: Path,
        address: BrokerAddress,
        register: Register,
        store: SeriesStore,
        clock: Clock,
        share_group: str | None = None,
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.last_commit_ms: int | None = None
        self._clock = clock
        self._register = register
        self._journal = Journal(data / "journal.db")
        self._cursors = Cursors(data / "cursors.db")
        self._readers = [JournalReader(data / "journal.db") for _ in range(3)]
        recent = RecentBatches()
        self._ingestor = Ingestor(self._journal, clock, Directory(register, clock).is_known, recent)
        self._link = BrokerLink(address, f"aldea-collector-{name}", clock, share_group)
        series = SeriesFollower(self._readers[0], self._cursors, store, recent)
        feed = FeedFollower(name, self._readers[1], self._cursors, register, recent, self._ingestor.records, clock)
        self._trim_before_ms: int | None = None
        self._counters = self._journal.counters()
        self._reported_ms = 0
        self._report_lock = threading.Lock()
        self._workers = [
            Worker("ingest", self._ingest, idle_seconds=0.0),
            Worker("series", series.step),
            Worker("feed", feed.step),
            Worker("report", self._report, idle_seconds=REPORT_MS / 1000),
        ]

    def start(self) -> None:
        """Connect and begin."""
        for worker in self._workers:
            worker.start()
        self._link.start()

    def stop(self) -> None:
        """Disconnect, finish what has been taken, close the files."""
        self._link.stop()
        for worker in self._workers:
            worker.stop()
        self._report()
        for reader in self._readers:
            reader.close()
        self._journal.close()
        self._cursors.close()

    def trim(self, keep_days: int) -> None:
        """Let the ingesting thread delete journal entries older than `keep_days` that all followers have passed."""
        self._trim_before_ms = self._clock.wall_ms() - keep_days * DAY_MS

    def status(self) -> CollectorStatus:
        """Return how the collector is. `last_commit_ms` is what tells life: a connection alone does not."""
        counters = {name: value for name, value in self._counters.items() if not name.startswith("quarantined_")}
        errors = [f"{worker.name}: {worker.error}" for worker in self._workers if worker.error]
        return CollectorStatus(
            collector=self.name,
            reported_ms=self._clock.wall_ms(),
            connected=self._link.connected,
            last_commit_ms=self.last_commit_ms,
            journal_position=self._readers[2].last_position(),
            series_position=self._cursors.position(SERIES),
            feed_position=self._cursors.position(FEED),
            counters={**counters, "messages_dropped": self._link.dropped},
            quarantine={
                name.removeprefix("quarantined_"): value
                for name, value in self._counters.items()
                if name.startswith("quarantined_")
            },
            series_error="; ".join(errors) or None,
        )

    def _ingest(self) -> bool:
        self._trim_if_asked()
        group = self._link.next_group(GROUP_MESSAGES, wait_seconds=0.5)
        if not group:
            return True
        acks = self._ingestor.take(group)
        self._link.answer(acks)
        self.last_commit_ms = self._clock.wall_ms()
        self._counters = self._journal.counters()
        for worker in self._workers[1:3]:
            worker.wake()
        return True

    def _trim_if_asked(self) -> None:
        before, self._trim_before_ms = self._trim_before_ms, None
        if before is None:
            return
        passed = min(self._cursors.position(SERIES), self._cursors.position(FEED))
        with self._journal.transaction():
            more = self._journal.trim(passed, before)
        if more:
            self._trim_before_ms = before

    def _report(self) -> bool:
        status = self.status()
        with self._register.transaction() as unit:
            upsert_collector_status(unit, status)
        return False
