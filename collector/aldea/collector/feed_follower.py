"""The register's feed follows the journal: one event a batch or change of presence, and the live status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.journal import EntryKind
from aldea.collector.summary import latest_fields, summarise
from aldea.model.messages import Birth, parse_status
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.status import Latest, Presence, StatusUpdate, upsert_status
from aldea.storage.register.streams import Gap, GapState, upsert_streams
from aldea.storage.register.streams import Stream as StreamState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.collector.journal import Cursors, Entry, JournalReader
    from aldea.collector.recent import RecentBatches
    from aldea.collector.streams import StreamRecord
    from aldea.model.clock import Clock
    from aldea.storage.register import Register

CONSUMER = "feed"
GROUP_ENTRIES = 500


class FeedFollower:
    """Copies what happened into the register, a group of entries in one transaction.

    `records` are the ingestor's: stream coverage by (site, device, epoch).
    """

    def __init__(
        self,
        name: str,
        reader: JournalReader,
        cursors: Cursors,
        register: Register,
        recent: RecentBatches,
        records: Mapping[tuple[str, str, str], StreamRecord],
        clock: Clock,
    ) -> None:
        self._name = name
        self._reader = reader
        self._cursors = cursors
        self._register = register
        self._recent = recent
        self._records = records
        self._clock = clock

    def step(self) -> bool:
        """Copy one group; return whether there may be more. Raises RegisterUnavailableError to be tried again."""
        entries = self._reader.after(self._cursors.position(CONSUMER), GROUP_ENTRIES)
        if not entries:
            return False
        events = [self._event(entry) for entry in entries]
        updates = [self._update(entry) for entry in _newest_of_each(entries)]
        streams = self._streams(entries)
        with self._register.transaction() as unit:
            append_feed(unit, events)
            upsert_status(unit, [update for update in updates if update is not None])
            upsert_streams(unit, streams)
        self._cursors.advance(CONSUMER, entries[-1].position)
        return True

    def _event(self, entry: Entry) -> FeedEvent:
        if entry.kind is EntryKind.PRESENCE:
            return FeedEvent(
                self._name,
                entry.position,
                "presence",
                entry.site,
                entry.device,
                entry.arrival_ms,
                entry.lane,
                summary=_presence_summary(entry),
            )
        batch = self._recent.batch_of(entry)
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

    def _update(self, entry: Entry) -> StatusUpdate | None:
        if entry.kind is EntryKind.PRESENCE:
            return _presence_update(entry)
        batch = self._recent.batch_of(entry)
        believed = entry.offset_ms is not None and entry.source != "estimated"
        offset = entry.offset_ms or 0
        live = entry.lane == "live"
        return StatusUpdate(
            entry.site,
            entry.device,
            arrival_ms=entry.arrival_ms,
            event_ms=entry.mono_high + offset if believed and entry.mono_high is not None else None,
            boot_id=batch.header.boot_id if live else None,
            clock_state=batch.header.clock.value if live else None,
            latest={key: Latest(mono + offset, fields) for key, mono, fields in latest_fields(batch)}
            if believed
            else {},
        )

    def _streams(self, entries: Sequence[Entry]) -> list[StreamState]:
        """Return the coverage of the streams these entries belong to, as it is now."""
        keys = {(entry.site, entry.device, entry.epoch) for entry in entries if entry.epoch is not None}
        births = {_birth_key(entry) for entry in entries if entry.kind is EntryKind.PRESENCE}
        found: list[StreamState] = []
        for key in sorted(keys | {birth for birth in births if birth is not None}):
            record = self._records.get(key)
            if record is not None:
                found.append(self._stream(record))
        return found

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


def _newest_of_each(entries: Sequence[Entry]) -> list[Entry]:
    """Return, in order, each device's newest entry of each lane: older ones would be overwritten at once."""
    newest = {(entry.site, entry.device, entry.kind, entry.lane): entry for entry in entries}
    return sorted(newest.values(), key=lambda entry: entry.position)


def _birth_key(entry: Entry) -> tuple[str, str, str] | None:
    status = parse_status(entry.payload)
    return (status.site, status.device, status.epoch) if isinstance(status, Birth) else None


def _presence_summary(entry: Entry) -> dict[str, object]:
    status = parse_status(entry.payload)
    if isinstance(status, Birth):
        return {
            "state": "online",
            "connection": status.connection,
            "boot": status.boot_id,
            "send_seconds": status.send_seconds,
        }
    return {"state": "offline", "connection": status.connection, "reason": status.reason}


def _presence_update(entry: Entry) -> StatusUpdate:
    status = parse_status(entry.payload)
    if isinstance(status, Birth):
        return StatusUpdate(
            entry.site,
            entry.device,
            arrival_ms=entry.arrival_ms,
            presence=Presence.ONLINE,
            presence_ms=entry.arrival_ms,
            connection=status.connection,
            interval_seconds=status.send_seconds,
            boot_id=status.boot_id,
            clock_state=status.clock.value,
            agent_version=status.version,
        )
    return StatusUpdate(
        entry.site,
        entry.device,
        presence=Presence.OFFLINE,
        presence_ms=entry.arrival_ms,
        connection=status.connection,
    )
