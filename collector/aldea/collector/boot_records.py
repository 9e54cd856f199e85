"""What a group of journal entries says of boots, for the register: between two of them nothing was seen. Pure."""

from __future__ import annotations

import re
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
_BOOT_ID = re.compile(r"[0-9a-f]{8,32}")


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
            batch = batches[entry.position]
            header = batch.header
            # One without rows is sent in the boot that it names, and a sign that nothing could be recorded since.
            last_ms = header.sent_mono_ms if header.rows == 0 else entry.mono_high or 0
            yield _boot(entry, header.boot_id, last_ms, header.clock.value)
            for boot_id, to_ms in _unrecorded(batch):
                yield replace(_boot(entry, boot_id, to_ms, ""), started_ms=None, estimated=False)


def _unrecorded(batch: Batch) -> Iterator[tuple[str, int]]:
    """Yield until when boots lasted in which rows could not be stored, as the agent wrote down elsewhere."""
    if not any(block.spec.measurement == "not_recorded" for block in batch.blocks):
        return
    for row in batch.rows():
        boot_id, to_ms = row.fields.get("boot_id"), row.fields.get("to_mono_ms")
        if row.measurement != "not_recorded" or not isinstance(boot_id, str) or not isinstance(to_ms, int):
            continue
        # A text from outside becomes a key here: what no header could say is no boot.
        if _BOOT_ID.fullmatch(boot_id) and to_ms >= 0:
            yield boot_id, to_ms


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
        clock_state=newer.clock_state or one.clock_state or other.clock_state,
        started_ms=placed.started_ms,
        estimated=placed.estimated,
        last_mono_ms=max(one.last_mono_ms, other.last_mono_ms),
        first_arrival_ms=min(one.first_arrival_ms, other.first_arrival_ms),
        last_arrival_ms=newer.last_arrival_ms,
    )
