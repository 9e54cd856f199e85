"""The series store follows the journal, at its own pace, and never gets a row twice or at two times."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aldea.collector.journal import EntryKind
from aldea.model.columns import TimedBatch
from aldea.model.series import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.journal import BootRow, Cursors, Entry, JournalReader
    from aldea.collector.recent import RecentBatches
    from aldea.model.series import SeriesStore

log = logging.getLogger(__name__)

CONSUMER = "series"
BOOTS = "boots"
GROUP_ENTRIES = 500


class SeriesFollower:
    """Writes journal entries to the series store.

    A batch whose boot has no place in time is passed over; once the boot gets one, its batches are written. When
    a boot moves in time, its rows are deleted where they were and written where they belong. The offset at which
    a boot's rows are written is noted before they are, so a crash in between only repeats work.
    """

    def __init__(self, reader: JournalReader, cursors: Cursors, store: SeriesStore, recent: RecentBatches) -> None:
        self._reader = reader
        self._cursors = cursors
        self._store = store
        self._recent = recent

    def step(self) -> bool:
        """Do one group; return whether there may be more. Raises StoreUnavailable to be tried again."""
        moved = self._move_boots()
        position = self._cursors.position(CONSUMER)
        entries = self._reader.after(position, GROUP_ENTRIES)
        if not entries:
            return moved
        ready: list[tuple[Entry, TimedBatch]] = []
        for entry in entries:
            offset = self._offset(entry)
            if offset is not None:
                ready.append((entry, self._timed(entry, offset)))
        self._write(ready)
        self._cursors.advance(CONSUMER, entries[-1].position)
        return True

    def _offset(self, entry: Entry) -> int | None:
        """Return the offset at which the entry's boot is written; the first time, the one that is known now."""
        if entry.kind is not EntryKind.BATCH or entry.boot is None or entry.first_seq is None:
            return None
        written = self._cursors.written_offset(entry.boot)
        if written is None and entry.offset_ms is not None:
            self._cursors.set_written_offset(entry.boot, entry.offset_ms)
            return entry.offset_ms
        return written

    def _timed(self, entry: Entry, offset_ms: int) -> TimedBatch:
        return TimedBatch(self._recent.batch_of(entry), offset_ms, entry.source == "estimated")

    def _write(self, ready: Sequence[tuple[Entry, TimedBatch]]) -> None:
        """Write a group; when the store refuses it, each batch alone, noting those it will never take."""
        if not ready:
            return
        try:
            self._store.write([timed for _, timed in ready])
        except StoreRefused as error:
            if len(ready) == 1:
                log.error("position %d is refused by the series store: %s", ready[0][0].position, error)
                self._cursors.note_refused(ready[0][0].position, str(error))
                return
            for one in ready:
                self._write([one])

    def _move_boots(self) -> bool:
        """Rewrite the boots that got another place in time since they were written."""
        boots = self._reader.boots_changed_after(self._cursors.position(BOOTS))
        for boot in boots:
            self._move(boot)
            self._cursors.advance(BOOTS, boot.version)
        return bool(boots)

    def _move(self, boot: BootRow) -> None:
        before = self._cursors.written_offset(boot.id)
        if boot.offset_ms is None or before == boot.offset_ms:
            return
        up_to, after = self._cursors.position(CONSUMER), 0
        while entries := self._reader.of_boot(boot.id, after, up_to, GROUP_ENTRIES):
            batches = [(entry, self._recent.batch_of(entry)) for entry in entries if entry.first_seq is not None]
            if before is not None:
                self._store.delete([TimedBatch(batch, before) for _, batch in batches])
            estimated = boot.source == "estimated"
            self._write([(entry, TimedBatch(batch, boot.offset_ms, estimated)) for entry, batch in batches])
            after = entries[-1].position
        self._cursors.set_written_offset(boot.id, boot.offset_ms)
