"""The series store follows the journal, at its own pace, and never gets a row twice or at two times."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aldea.collector.commanding.documents import without_documents
from aldea.collector.journal import BOOTS, EntryKind, Written
from aldea.model.columns import TimedBatch
from aldea.model.series import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.journal import BootRow, Cursors, Entry, JournalReader
    from aldea.collector.recent import RecentBatches
    from aldea.model.series import SeriesStore

log = logging.getLogger(__name__)

CONSUMER = "series"
GROUP_ENTRIES = 2_000
"""Half of the work of a small group is the same for a large one; how much they may hold is the reader's to bound."""


class SeriesFollower:
    """Writes journal entries to the series store.

    A batch whose boot has no place in time is passed over; once the boot gets one, its batches are written. When
    a boot moves in time, its rows are deleted where they were and written where they belong. Where they may stand
    is noted before they are written there, so a crash in between only repeats work.
    """

    def __init__(self, reader: JournalReader, cursors: Cursors, store: SeriesStore, recent: RecentBatches) -> None:
        self._reader = reader
        self._cursors = cursors
        self._store = store
        self._recent = recent
        # What was written and not noted before a crash is anywhere up to here.
        self._reached = reader.last_position()

    def step(self) -> bool:
        """Do one group; return whether there may be more. Raises StoreUnavailable to be tried again.

        Entries are looked at before the boots: whatever place in time an entry has, its boot has been moved there,
        earlier entries included, before the entry is written.
        """
        entries = self._reader.after(self._cursors.position(CONSUMER), GROUP_ENTRIES)
        moved = self._move_boots()
        if not entries:
            return moved
        self._reached = max(self._reached, entries[-1].position)
        self._write([ready for entry in entries if (ready := self._placed(entry)) is not None])
        self._cursors.advance(CONSUMER, entries[-1].position)
        return True

    def _placed(self, entry: Entry) -> tuple[Entry, TimedBatch] | None:
        """Return the entry's batch where its boot's rows are written; None when they wait, or without rows."""
        if entry.kind is not EntryKind.BATCH or entry.boot is None or entry.first_seq is None:
            return None
        place = self._cursors.written(entry.boot)
        return None if place is None else self._at(entry, place)

    def _at(self, entry: Entry, place: Written) -> tuple[Entry, TimedBatch]:
        batch = without_documents(self._recent.batch_of(entry))
        return entry, TimedBatch(batch, place.offset_ms, place.estimated)

    def _write(self, ready: Sequence[tuple[Entry, TimedBatch]]) -> None:
        """Write a group; when the store cannot take it, in halves, noting the batches it will never take."""
        if not ready:
            return
        try:
            self._store.write([timed for _, timed in ready])
        except (StoreRefused, ValueError, TypeError, OverflowError) as error:
            # The last three: a batch that the store's code did not foresee must not stop all that follow.
            if len(ready) == 1:
                log.error("position %d is refused by the series store: %s", ready[0][0].position, error)
                self._cursors.note_refused(ready[0][0].position, str(error))
                return
            middle = len(ready) // 2
            self._write(ready[:middle])
            self._write(ready[middle:])

    def _move_boots(self) -> bool:
        """Rewrite the boots that got another place in time since they were written."""
        moved = False
        while boots := self._reader.boots_changed_after(self._cursors.position(BOOTS)):
            # A new boot has nothing to be moved: a fleet that comes back must not wait for the disk once a site.
            new = {boot.id: _place(boot) for boot in boots if self._has_nothing(boot.id)}
            self._cursors.end_moves(new)
            for boot in boots:
                if boot.id not in new:
                    self._move(boot)
            self._cursors.advance(BOOTS, boots[-1].version)
            moved = True
        return moved

    def _has_nothing(self, boot: int) -> bool:
        """Return whether no row of a boot is in the store, nor among the entries that were passed over."""
        noted = self._cursors.position(CONSUMER)
        return not self._cursors.offsets(boot) and not self._reader.of_boot(boot, 0, noted, 1)

    def _move(self, boot: BootRow) -> None:
        place, known = _place(boot), self._cursors.offsets(boot.id)
        if self._cursors.written(boot.id) == place and known == {place.offset_ms}:
            return
        noted, after, others = self._cursors.position(CONSUMER), 0, None
        # Behind the cursor there are rows where a write was cut off before that was noted, or its answer was lost.
        up_to = max(noted, self._reached) if known else noted
        while entries := self._reader.of_boot(boot.id, after, up_to, GROUP_ENTRIES):
            if others is None:
                others = self._cursors.begin_move(boot.id, place.offset_ms)
            ready = [self._at(entry, place) for entry in entries if entry.first_seq is not None]
            for offset in others:
                self._store.delete([TimedBatch(timed.batch, offset) for _, timed in ready])
            self._write([pair for pair in ready if pair[0].position <= noted])  # the others' turn comes by itself
            after = entries[-1].position
        self._cursors.end_move(boot.id, place)


def _place(boot: BootRow) -> Written:
    assert boot.offset_ms is not None, "a boot's version changes when it gets a place in time"
    return Written(boot.offset_ms, boot.source == "estimated")
