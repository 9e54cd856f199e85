"""The server's periodic work, by APScheduler: indicators, rollups, compaction, retention, backups."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from aldea.deploy.backup.archive import take_backup
from aldea.deploy.backup.keeping import backup_name, prune
from aldea.deploy.backup.places import BackupError, Places
from aldea.indicators.work import EVERY_MINUTES
from aldea.storage.register.feed import trim_feed
from aldea.storage.series.sqlite.store import SqliteSeriesStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

DAY_MS = 24 * 60 * 60 * 1000
FEED_DAYS = 100
JOURNAL_DAYS = 35
SETTLE_BEFORE_COMPACTION_MS = 2 * 60 * 60 * 1000
FIRST_INDICATORS_SECONDS = (15, 45, 120)
"""After a start the evidence comes in quickly: nobody should look at an empty page for ten minutes."""


@dataclass(frozen=True, slots=True)
class UpkeepPlan:
    """What is done besides: how long rows are kept, and the nightly backups (`backup_keep` 0: none)."""

    keep_days: int = 90
    backup_keep: int = 0
    backup_places: Places | None = None
    backup_folder: Path | None = None


class Upkeep:
    """What has to be done now and then, each a method; `start` sets the times.

    `compute_indicators` does one step of theirs; `trim_journal` is told how many days the journal keeps; `is_ours` says
    whether this process is the one of several that looks after the stores.
    """

    def __init__(
        self,
        register: Register,
        store: SeriesStore,
        clock: Clock,
        plan: UpkeepPlan,
        compute_indicators: Callable[[], object],
        trim_journal: Callable[[int], None] | None = None,
        is_ours: Callable[[], bool] | None = None,
    ) -> None:
        self._register = register
        self._is_ours = is_ours or (lambda: True)
        self._store = store
        self._clock = clock
        self._plan = plan
        self._compute_indicators = compute_indicators
        self._trim_journal = trim_journal
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
        add = self._scheduler.add_job
        add(self.roll_up, "interval", minutes=1, id="rollups")
        add(self.compact, "cron", minute=17, id="compaction")
        add(self.retain, "cron", hour=9, minute=40, id="retention")
        add(self.indicators, "interval", minutes=EVERY_MINUTES, id="indicators")
        now = datetime.fromtimestamp(self._clock.wall_ms() / 1000, ZoneInfo("UTC"))
        for seconds in FIRST_INDICATORS_SECONDS:
            add(self.indicators, "date", run_date=now + timedelta(seconds=seconds), id=f"indicators-{seconds}")
        if self._plan.backup_keep:
            add(self.back_up, "cron", hour=8, minute=20, id="backup")
        self._scheduler.start()

    def stop(self) -> None:
        """Let the current work end, and no other begin."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def indicators(self) -> None:
        """Compute the indicators that new evidence touches."""
        if not self._stopping.is_set():
            self._compute_indicators()

    def roll_up(self) -> None:
        """Recompute the hours that new or late rows touched."""
        if isinstance(self._store, SqliteSeriesStore):
            while not self._stopping.is_set() and self._is_ours() and self._store.roll_up():
                pass

    def compact(self) -> None:
        """Join the small pieces of days that are over."""
        if isinstance(self._store, SqliteSeriesStore) and self._is_ours():
            self._store.compact(self._clock.wall_ms() - SETTLE_BEFORE_COMPACTION_MS)

    def retain(self) -> None:
        """Remove what has outlived its time: rows, feed, journal. Rollups stay: days are folded from their hours."""
        now = self._clock.wall_ms()
        if self._trim_journal is not None:
            self._trim_journal(JOURNAL_DAYS)  # this process' own
        if not self._is_ours():
            return
        self.roll_up()
        self._store.trim(now - self._plan.keep_days * DAY_MS)
        with self._register.transaction() as unit:
            while trim_feed(unit, now - FEED_DAYS * DAY_MS):
                pass

    def back_up(self) -> None:
        """Copy everything into one file, and keep the newest few; without room the old ones stay."""
        places, folder = self._plan.backup_places, self._plan.backup_folder
        if places is None or folder is None or not self._is_ours():
            return
        now_ms = self._clock.wall_ms()
        try:
            take_backup(places, folder / backup_name(now_ms), now_ms, lambda *_: None)
        except BackupError as error:
            log.error("no backup tonight: %s", error)
            return
        prune(folder, self._plan.backup_keep)
