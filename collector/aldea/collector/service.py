"""The collector as a whole: its threads, and what it says of itself."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from aldea.collector.commanding.form_offers import FormOffers
from aldea.collector.commanding.repairs import RepairJudge
from aldea.collector.commanding.sender import CommandSender
from aldea.collector.directory import Directory
from aldea.collector.feed_follower import CONSUMER as FEED
from aldea.collector.feed_follower import FeedFollower
from aldea.collector.foreign.link import ForeignLink
from aldea.collector.foreign.taking import ForeignIncoming, ForeignIntake
from aldea.collector.ingest import Ingestor
from aldea.collector.journal import BOOTS, FEED_BOOTS, Cursors, Journal, JournalReader
from aldea.collector.lock import DataLock
from aldea.collector.mqtt import BrokerAddress, BrokerLink
from aldea.collector.recent import RecentBatches
from aldea.collector.rollouts import RolloutDriver
from aldea.collector.series_follower import CONSUMER as SERIES
from aldea.collector.series_follower import SeriesFollower
from aldea.collector.worker import Worker
from aldea.storage.register import RegisterError
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.feed import last_position

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.collector.foreign.settings import ForeignSource
    from aldea.collector.turn import Incoming
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

GROUP_MESSAGES = 2_000
GROUP_BYTES = 8 * 1024 * 1024
BUSY_MESSAGES = 20
GATHER_SECONDS = 0.1
"""After a group of some size more are on their way: one commit and one answer a site for many of them costs less."""

REPORT_SECONDS = 2.0
ROLLOUT_SECONDS = 5.0
FORMS_SECONDS = 600.0
DAY_MS = 24 * 60 * 60 * 1000
_QUARANTINED = "quarantined_"


class Collector:
    """Takes what agents send, and devices of others (`foreign`). `name` tells collectors that share a register apart.

    The data directory gets `journal.db` and `cursors.db`. Start it once; `stop` ends every thread in order.
    Raises JournalError when the journal cannot be used, or another collector uses it.
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
        *,
        foreign: Sequence[ForeignSource] = (),
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.last_commit_ms: int | None = None
        self._clock = clock
        self._register = register
        self._data_lock = DataLock(data / "collector.lock")
        self._journal = Journal(data / "journal.db")
        self._cursors = Cursors(data / "cursors.db", self._journal.id)
        told = max(self._cursors.furthest(), _feed_position(register, name))
        restored = self._journal.last_position() < told
        self._journal.start_after(told)
        self._readers = [JournalReader(data / "journal.db") for _ in range(3)]
        self._directory = Directory(register)
        recent = RecentBatches()
        intake = (
            ForeignIntake(name, foreign, self._journal, self._directory.is_known, restored=restored)
            if foreign
            else None
        )
        self._ingestor = Ingestor(self._journal, clock, self._directory.is_known, recent, intake)
        self._link = BrokerLink(address, f"aldea-collector-{name}", clock, share_group)
        self._foreign: ForeignLink | None = None
        if intake is not None:
            client_id = f"aldea-collector-{name}-foreign"
            self._foreign = ForeignLink(address, client_id, clock, self._link.inbox, *intake.filters())
        series = SeriesFollower(self._readers[0], self._cursors, store, recent)
        feed = FeedFollower(name, self._readers[1], self._cursors, register, recent, self._ingestor.coverage, clock)
        self._group: list[Incoming] = []
        self._busy = False
        self._gathering = threading.Event()
        self._trim_before_ms: int | None = None
        self._counters = self._journal.counters()
        self._status_lock = threading.Lock()
        self._followers = [Worker("series", series.step), Worker("feed", feed.step)]
        self._ingest_worker = Worker("ingest", self._ingest, idle_seconds=0.0)
        self._workers = [
            self._ingest_worker,
            *self._followers,
            Worker("directory", self._directory.refresh),
            Worker("rollouts", RolloutDriver(register, clock).step, idle_seconds=ROLLOUT_SECONDS),
            Worker("report", self._report, idle_seconds=REPORT_SECONDS),
            Worker("commands", CommandSender(register, self._link, clock).step),
            Worker("repairs", RepairJudge(register, clock).step),
            Worker("forms", FormOffers(register, clock).step, idle_seconds=FORMS_SECONDS),
        ]

    def start(self) -> None:
        """Connect and begin."""
        for worker in self._workers:
            worker.start()
        self._link.start()
        if self._foreign is not None:
            self._foreign.start()

    def stop(self) -> None:
        """Finish and answer what has been taken, disconnect, end every thread, close the files."""
        self._gathering.set()
        self._ingest_worker.stop()
        self._link.stop()
        if self._foreign is not None:
            self._foreign.stop()
        for worker in self._workers[1:]:
            worker.stop()
        try:
            self._report()
        except RegisterError as error:
            log.warning("the last report could not be left: %s", error)
        for reader in self._readers:
            reader.close()
        self._journal.close()
        self._cursors.close()
        self._data_lock.release()

    def trim(self, keep_days: int) -> None:
        """Let the ingesting thread delete journal entries older than `keep_days` that all followers have passed."""
        self._trim_before_ms = self._clock.wall_ms() - keep_days * DAY_MS

    def status(self) -> CollectorStatus:
        """Return how the collector is. `last_commit_ms` is what tells life: a connection alone does not."""
        errors = [f"{worker.name}: {worker.error}" for worker in self._workers if worker.error]
        if self._foreign is not None and not self._foreign.connected:
            errors.append("foreign: not connected to the broker")
        with self._status_lock:
            journal_position = self._readers[2].last_position()
        counters = self._counters
        return CollectorStatus(
            collector=self.name,
            reported_ms=self._clock.wall_ms(),
            connected=self._link.connected,
            last_commit_ms=self.last_commit_ms,
            journal_position=journal_position,
            series_position=self._cursors.position(SERIES),
            feed_position=self._cursors.position(FEED),
            counters={
                **{name: value for name, value in counters.items() if not name.startswith(_QUARANTINED)},
                "messages_dropped": self._link.dropped,
                "answers_dropped": self._link.answers_dropped,
                **({} if self._foreign is None else self._foreign.counters()),
            },
            quarantine={
                name.removeprefix(_QUARANTINED): value
                for name, value in counters.items()
                if name.startswith(_QUARANTINED)
            },
            series_error="; ".join(errors) or None,
        )

    def _ingest(self) -> bool:
        """Take one group in. A group that could not be committed is tried again: a will is said only once."""
        if not self._directory.wait_loaded(0.5):
            return True
        self._trim_if_asked()
        if self._busy:
            self._gathering.wait(GATHER_SECONDS)
        self._group = self._group or self._link.inbox.take(GROUP_MESSAGES, GROUP_BYTES, wait_seconds=0.5)
        if not self._group:
            return True
        acks = self._ingestor.take(self._group)
        group, self._group = self._group, []
        # Foreign messages wait with the broker for us; only agents send more of their own accord.
        ours = sum(not isinstance(message, ForeignIncoming) for message in group)
        self._busy = BUSY_MESSAGES <= ours < GROUP_MESSAGES
        self.last_commit_ms = self._clock.wall_ms()
        # First, so that whoever has an answer finds it counted.
        self._counters = self._journal.counters()
        self._link.answer(acks)
        if self._foreign is not None:
            self._foreign.acknowledge(group)
        for worker in self._followers:
            worker.wake()
        return True

    def _trim_if_asked(self) -> None:
        before, self._trim_before_ms = self._trim_before_ms, None
        if before is None:
            return
        passed = min(self._cursors.position(SERIES), self._cursors.position(FEED))
        with self._journal.transaction():
            boots = min(self._cursors.position(BOOTS), self._cursors.position(FEED_BOOTS))
            more = self._journal.trim(passed, boots, before)
        if more and self._trim_before_ms is None:
            self._trim_before_ms = before

    def _report(self) -> bool:
        status = self.status()
        with self._register.transaction() as unit:
            upsert_collector_status(unit, status)
        return False


def _feed_position(register: Register, name: str) -> int:
    """Return how far this collector's events in the register go: a new journal must not give a position twice."""
    try:
        with register.reading() as unit:
            return last_position(unit, name)
    except RegisterError as error:
        log.warning("the register is not to be had, the journal's own positions hold: %s", error)
        return 0
