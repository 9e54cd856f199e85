"""The register's feed follows the journal: one event a batch or change of presence, and the live status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.boot_records import boot_places, boots_told
from aldea.collector.commanding.documents import document_rows, take_documents, without_documents
from aldea.collector.journal import FEED_BOOTS, EntryKind
from aldea.collector.live_status import presence_summary, status_updates
from aldea.collector.summary import summarise
from aldea.model.messages import Birth, parse_status
from aldea.storage.register.boots import place_boots, upsert_boots
from aldea.storage.register.devices import find_device, set_sees
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.status import upsert_status
from aldea.storage.register.streams import Gap, GapState, upsert_streams
from aldea.storage.register.streams import Stream as StreamState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.coverage import Coverage
    from aldea.collector.journal import Cursors, Entry, JournalReader
    from aldea.collector.recent import RecentBatches
    from aldea.collector.streams import StreamRecord
    from aldea.model.clock import Clock
    from aldea.model.columns import Batch
    from aldea.storage.register import Register, Unit

CONSUMER = "feed"
GROUP_ENTRIES = 2_000
"""Half of the work of a small group is the same for a large one; how much they may hold is the reader's to bound."""


class FeedFollower:
    """Copies what happened into the register, a group of entries in one transaction.

    `coverage` is the ingestor's: what it knows of each stream.
    """

    def __init__(
        self,
        name: str,
        reader: JournalReader,
        cursors: Cursors,
        register: Register,
        recent: RecentBatches,
        coverage: Coverage,
        clock: Clock,
    ) -> None:
        self._name = name
        self._reader = reader
        self._cursors = cursors
        self._register = register
        self._recent = recent
        self._coverage = coverage
        self._clock = clock

    def step(self) -> bool:
        """Copy one group; return whether there may be more. Raises RegisterUnavailableError to be tried again."""
        entries = self._reader.after(self._cursors.position(CONSUMER), GROUP_ENTRIES)
        records = self._records(entries)
        moved = self._reader.boots_changed_after(self._cursors.position(FEED_BOOTS))
        if not (entries or records or moved):
            return False
        whole = {entry.position: self._recent.batch_of(entry) for entry in entries if entry.kind is EntryKind.BATCH}
        documents = document_rows(entries, whole)
        batches = {position: without_documents(batch) for position, batch in whole.items()}
        events = [self._event(entry, batches.get(entry.position)) for entry in entries]
        streams = [self._stream(record) for record in records]
        with self._register.transaction() as unit:
            append_feed(unit, events)
            upsert_status(unit, status_updates(entries, batches))
            upsert_streams(unit, streams)
            upsert_boots(unit, boots_told(entries, batches))
            place_boots(unit, boot_places(moved))
            _record_sight(unit, entries)
            take_documents(unit, documents)
        self._coverage.passed_on(records)
        if entries:
            self._cursors.advance(CONSUMER, entries[-1].position)
        if moved:
            self._cursors.advance(FEED_BOOTS, moved[-1].version)
        return True

    def _records(self, entries: Sequence[Entry]) -> list[StreamRecord]:
        """Return the streams that changed, and those of these entries: after a restart nothing is pending."""
        records = {(item.site, item.device, item.epoch): item for item in self._coverage.pending(GROUP_ENTRIES)}
        for entry in entries:
            key = _stream_key(entry)
            if key is not None and key not in records and (record := self._coverage.get(key)) is not None:
                records[key] = record
        return list(records.values())

    def _event(self, entry: Entry, batch: Batch | None) -> FeedEvent:
        if batch is None:
            return FeedEvent(
                self._name,
                entry.position,
                "presence",
                entry.site,
                entry.device,
                entry.arrival_ms,
                entry.lane,
                summary=presence_summary(entry),
            )
        known = entry.offset_ms is not None and entry.mono_low is not None and entry.mono_high is not None
        return FeedEvent(
            self._name,
            entry.position,
            "batch",
            entry.site,
            entry.device,
            entry.arrival_ms,
            entry.lane,
            rows=batch.header.rows,
            epoch=batch.header.epoch,
            first_seq=entry.first_seq,
            last_seq=entry.last_seq,
            event_from_ms=(entry.mono_low or 0) + (entry.offset_ms or 0) if known else None,
            event_to_ms=(entry.mono_high or 0) + (entry.offset_ms or 0) if known else None,
            summary=summarise(batch),
        )

    def _stream(self, record: StreamRecord) -> StreamState:
        return StreamState(
            site=record.site,
            device=record.device,
            epoch=record.epoch,
            first_seq=record.first_seq,
            last_seq=record.last_seq,
            stored_rows=record.stored_rows,
            explained_rows=record.explained_rows,
            lost_rows=record.lost_rows,
            open_rows=record.open_rows,
            contiguous_seq=record.contiguous_seq,
            contiguous_event_ms=self._reader.event_time(
                record.site, record.device, record.epoch, record.contiguous_seq
            ),
            updated_at_ms=self._clock.wall_ms(),
            gaps=tuple(Gap(first, last, GapState(state)) for first, last, state in record.gaps),
        )


def _stream_key(entry: Entry) -> tuple[str, str, str] | None:
    if entry.kind is EntryKind.BATCH:
        return None if entry.epoch is None else (entry.site, entry.device, entry.epoch)
    status = parse_status(entry.payload)
    return (status.site, status.device, status.epoch) if isinstance(status, Birth) else None


def _record_sight(unit: Unit, entries: Sequence[Entry]) -> None:
    """Keep what each born box says it can see: what it can't is not collected, and no figure may call it zero."""
    births = (parse_status(entry.payload) for entry in entries if entry.kind is EntryKind.PRESENCE)
    for status in births:
        if isinstance(status, Birth):
            found = find_device(unit, status.site, status.device)
            if found is not None and dict(found.sees) != dict(status.sees):
                set_sees(unit, status.site, status.device, status.sees)
