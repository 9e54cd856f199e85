"""The server's periodic work, by APScheduler: rollups, compaction, retention, backups."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from aldea.deploy.backup.archive import take_backup
from aldea.deploy.backup.keeping import backup_name, prune
from aldea.deploy.backup.places import BackupError, Places
from aldea.storage.register.feed import trim_feed
from aldea.storage.series.sqlite.store import SqliteSeriesStore

if TYPE_CHECKING:
    from aldea.collector.service import Collector
    from aldea.deploy.allinone.settings import UpSettings
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

DAY_MS = 24 * 60 * 60 * 1000
FEED_DAYS = 100
JOURNAL_DAYS = 35
SETTLE_BEFORE_COMPACTION_MS = 2 * 60 * 60 * 1000


class Upkeep:
    """What has to be done now and then, each a method; `start` sets the times."""

    def __init__(
        self, register: Register, store: SeriesStore, collector: Collector, clock: Clock, settings: UpSettings
    ) -> None:
        self._register = register
        self._store = store
        self._collector = collector
        self._clock = clock
        self._keep_days = settings.keep_days
        self._backup_keep = settings.backup_keep
        self._data = settings.data.resolve()
        self._stopping = threading.Event()
        # One thread: this work is never urgent, and must not take the processor from the collector.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
            timezone="UTC",
        )

    def start(self) -> None:
        """Begin."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler.add_job(self.roll_up, "interval", minutes=1, id="rollups")
        self._scheduler.add_job(self.compact, "cron", minute=17, id="compaction")
        self._scheduler.add_job(self.retain, "cron", hour=9, minute=40, id="retention")
        if self._backup_keep:
            self._scheduler.add_job(self.back_up, "cron", hour=8, minute=20, id="backup")
        self._scheduler.start()

    def stop(self) -> None:
        """Let the current work end, and no other begin."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def roll_up(self) -> None:
        """Recompute the hours that new or late rows touched."""
        if isinstance(self._store, SqliteSeriesStore):
            while not self._stopping.is_set() and self._store.roll_up():
                pass

    def compact(self) -> None:
        """Join the small pieces of days that are over."""
        if isinstance(self._store, SqliteSeriesStore):
            self._store.compact(self._clock.wall_ms() - SETTLE_BEFORE_COMPACTION_MS)

    def retain(self) -> None:
        """Remove what has outlived its time: rows, feed, journal. Rollups stay: days are folded from their hours."""
        now = self._clock.wall_ms()
        self.roll_up()
        self._store.trim(now - self._keep_days * DAY_MS)
        with self._register.transaction() as unit:
            while trim_feed(unit, now - FEED_DAYS * DAY_MS):
                pass
        self._collector.trim(JOURNAL_DAYS)

    def back_up(self) -> None:
        """Copy everything into one file, and keep the newest few; without room the old ones stay."""
        data, folder = self._data, self._data / "backups"
        places = Places(data, f"sqlite:///{data / 'register.db'}", f"sqlite:///{data / 'series.db'}")
        now_ms = self._clock.wall_ms()
        try:
            take_backup(places, folder / backup_name(now_ms), now_ms, lambda *_: None)
        except BackupError as error:
            log.error("no backup tonight: %s", error)
            return
        prune(folder, self._backup_keep)
