"""What goes into the journal and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EntryKind(StrEnum):
    """What an entry is: a batch of rows, or a change of presence."""

    BATCH = "batch"
    PRESENCE = "presence"


class SpanState(StrEnum):
    """What a span of seqs without an entry is."""

    TRIMMED = "trimmed"
    REJECTED = "rejected"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be written. `stream`, `boot`, seqs and times belong to batches alone."""

    kind: EntryKind
    site: str
    device: str
    lane: str
    arrival_ms: int
    payload: bytes
    stream: int | None = None
    boot: int | None = None
    first_seq: int | None = None
    last_seq: int | None = None
    mono_low: int | None = None
    mono_high: int | None = None


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One stream: the rows of one epoch of one device."""

    id: int
    site: str
    device: str
    epoch: str
    held_from: int
    announced: int


@dataclass(frozen=True, slots=True)
class BootRow:
    """One boot of one device. `offset_ms` turns its milliseconds into wall time; None: not known yet.

    `source` is `ntp`, `server` or `estimated`; `error_ms` bounds the error where it is known.
    """

    id: int
    site: str
    device: str
    boot_id: str
    boot_no: int
    offset_ms: int | None
    error_ms: int | None
    source: str | None
    version: int
