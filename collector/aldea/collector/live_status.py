"""What a group of journal entries says of each device's live status. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.journal import EntryKind
from aldea.collector.summary import newest_fields
from aldea.model.messages import Birth, parse_status
from aldea.storage.register.status import Latest, Presence, StatusUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.collector.journal import Entry
    from aldea.model.columns import Batch


def status_updates(entries: Sequence[Entry], batches: Mapping[int, Batch]) -> list[StatusUpdate]:
    """Return the updates of these entries, whose batches are given by position: one a device, and each birth or will.

    A series' newest row may be in any of the batches: one that is measured hourly is in few of them.
    """
    updates: list[StatusUpdate] = []
    by_device: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.kind is EntryKind.PRESENCE:
            updates.append(_presence_update(entry))
        else:
            by_device.setdefault((entry.site, entry.device), []).append(entry)
    updates += [_batch_update(group, batches) for group in by_device.values()]
    return updates


def presence_summary(entry: Entry) -> dict[str, object]:
    """Return what the feed tells of a birth or a will."""
    status = parse_status(entry.payload)
    if isinstance(status, Birth):
        return {
            "state": "online",
            "connection": status.connection,
            "boot": status.boot_id,
            "send_seconds": status.send_seconds,
        }
    return {"state": "offline", "connection": status.connection, "reason": status.reason}


def _batch_update(entries: Sequence[Entry], batches: Mapping[int, Batch]) -> StatusUpdate:
    believed = [entry for entry in entries if entry.offset_ms is not None and entry.source != "estimated"]
    times = [entry.mono_high + (entry.offset_ms or 0) for entry in believed if entry.mono_high is not None]
    live = [batches[entry.position].header for entry in entries if entry.lane == "live"]
    latest = newest_fields([(batches[entry.position], entry.offset_ms or 0) for entry in believed])
    return StatusUpdate(
        entries[0].site,
        entries[0].device,
        arrival_ms=_heard_ms(entries, max(times, default=None)),
        event_ms=max(times, default=None),
        boot_id=live[-1].boot_id if live else None,
        clock_state=live[-1].clock.value if live else None,
        latest={key: Latest(at, fields) for key, at, fields in latest},
    )


def _heard_ms(entries: Sequence[Entry], newest_event_ms: int | None) -> int | None:
    """Return when the device was last heard: when a live batch arrived, or at the newest row of a backlog.

    A backlog may be brought in for a box that is dead; it proves that the box lived at the times it tells of.
    """
    arrivals = [entry.arrival_ms for entry in entries if entry.lane == "live"]
    if newest_event_ms is not None:
        arrivals.append(min(newest_event_ms, max(entry.arrival_ms for entry in entries)))
    return max(arrivals, default=None)


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
