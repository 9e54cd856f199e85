"""What a group of journal entries says of boots, for the register: between two of them nothing was seen. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aldea.collector.journal import EntryKind
from aldea.model.messages import Birth, parse_status
from aldea.storage.register.boots import Boot, BootPlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aldea.collector.journal import BootRow, Entry
    from aldea.model.columns import Batch

ESTIMATED = "estimated"


def boots_told(entries: Sequence[Entry], batches: Mapping[int, Batch]) -> list[Boot]:
    """Return the boots that these entries' rows and births tell of, one each, as far as they tell."""
    found: dict[tuple[str, str, str], Boot] = {}
    for told in _each(entries, batches):
        key = (told.site, told.device, told.boot_id)
        found[key] = _both(found[key], told) if key in found else told
    return list(found.values())


def boot_places(rows: Sequence[BootRow]) -> list[BootPlace]:
    """Return where boots belong in time, of those that the journal has placed or moved."""
    return [
        BootPlace(row.site, row.device, row.boot_id, row.offset_ms, row.source == ESTIMATED)
        for row in rows
        if row.offset_ms is not None
    ]


def _each(entries: Sequence[Entry], batches: Mapping[int, Batch]) -> Iterator[Boot]:
    for entry in entries:
        if entry.kind is EntryKind.PRESENCE:
            status = parse_status(entry.payload)
            if isinstance(status, Birth):
                clock = status.clock.value
                yield _boot(entry, status.boot_id, status.mono_ms, clock)
        elif entry.boot is not None and entry.position in batches:
            header = batches[entry.position].header
            yield _boot(entry, header.boot_id, entry.mono_high or 0, header.clock.value)


def _boot(entry: Entry, boot_id: str, last_mono_ms: int, clock: str) -> Boot:
    """Return what one entry tells; a birth does not know where the journal has put its boot."""
    arrival = entry.arrival_ms
    estimated = entry.source == ESTIMATED
    return Boot(entry.site, entry.device, boot_id, entry.offset_ms, estimated, clock, last_mono_ms, arrival, arrival)


def _both(one: Boot, other: Boot) -> Boot:
    newer = other if other.last_arrival_ms >= one.last_arrival_ms else one
    placed = other if other.started_ms is not None else one
    return replace(
        newer,
        started_ms=placed.started_ms,
        estimated=placed.estimated,
        last_mono_ms=max(one.last_mono_ms, other.last_mono_ms),
        first_arrival_ms=min(one.first_arrival_ms, other.first_arrival_ms),
        last_arrival_ms=newer.last_arrival_ms,
    )
