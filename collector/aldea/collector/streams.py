"""What the collector knows of each stream: which seqs are stored, rejected, given up or missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.collector.journal.entries import SpanState
from aldea.model.intervals import IntervalSet

if TYPE_CHECKING:
    from aldea.collector.journal import Journal
    from aldea.model.intervals import Range

MAX_GAPS = 100
LATEST = 2**62


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A stream's state for the register. `gaps` holds (first, last, state), the newest 100.

    `open` may still come; `explained` were rejected or given up with a tombstone; `lost` are held by nobody.
    """

    site: str
    device: str
    epoch: str
    first_seq: int
    last_seq: int
    stored_rows: int
    explained_rows: int
    lost_rows: int
    open_rows: int
    contiguous_seq: int
    gaps: tuple[tuple[int, int, str], ...]


@dataclass(slots=True)
class Stream:
    """One stream in memory. Changed by the ingesting thread only."""

    id: int
    site: str
    device: str
    epoch: str
    held_from: int = 1
    announced: int = 0
    stored: IntervalSet = field(default_factory=IntervalSet)
    rejected: IntervalSet = field(default_factory=IntervalSet)
    tombstones: IntervalSet = field(default_factory=IntervalSet)

    @property
    def highest(self) -> int:
        """The highest seq that ever arrived; 0 when none did."""
        return max(self.stored.highest, self.rejected.highest)

    def record(self) -> StreamRecord:
        """Return what the register shows of this stream."""
        last = max(self.highest, self.announced, self.tombstones.highest)
        known = IntervalSet((*self.stored, *self.rejected, *self.tombstones))
        missing = known.missing(1, last)
        lost = [part for part in (_below(hole, self.held_from) for hole in missing) if part]
        open_ = [part for part in (_from(hole, self.held_from) for hole in missing) if part]
        settled = IntervalSet((*known, *lost))
        explained = [gap for gap in IntervalSet((*self.rejected, *self.tombstones)) if not _inside(gap, self.stored)]
        gaps = sorted(
            [(*gap, "lost") for gap in lost]
            + [(*gap, "open") for gap in open_]
            + [(*gap, "explained") for gap in explained]
        )
        lost_rows, open_rows = _size(lost), _size(open_)
        return StreamRecord(
            site=self.site,
            device=self.device,
            epoch=self.epoch,
            first_seq=1,
            last_seq=last,
            stored_rows=len(self.stored),
            explained_rows=last - len(self.stored) - lost_rows - open_rows,
            lost_rows=lost_rows,
            open_rows=open_rows,
            contiguous_seq=settled.contiguous_from(1),
            gaps=tuple(gaps[-MAX_GAPS:]),
        )


class StreamBook:
    """All streams by (site, device, epoch), as the journal has them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._streams: dict[tuple[str, str, str], Stream] = {}
        self._devices: dict[tuple[str, str], list[Stream]] = {}
        for row in journal.streams():
            stream = Stream(row.id, row.site, row.device, row.epoch, row.held_from, row.announced)
            stream.stored = journal.stored_ranges(row.id)
            for first, last, _ in journal.spans(row.id, SpanState.REJECTED):
                stream.rejected.add(first, last)
            for first, last, _ in journal.spans(row.id, SpanState.TOMBSTONE):
                stream.tombstones.add(first, last)
            self._keep(stream)

    def get(self, site: str, device: str, epoch: str) -> Stream:
        """Return a stream, made if it is new."""
        stream = self._streams.get((site, device, epoch))
        if stream is None:
            row = self._journal.add_stream(site, device, epoch)
            stream = Stream(row.id, site, device, epoch)
            self._keep(stream)
        return stream

    def _keep(self, stream: Stream) -> None:
        self._streams[stream.site, stream.device, stream.epoch] = stream
        self._devices.setdefault((stream.site, stream.device), []).append(stream)

    def highest(self, site: str, device: str, epoch: str) -> int:
        """Return the highest seq that ever arrived of a stream; 0 for one that is not known."""
        stream = self._streams.get((site, device, epoch))
        return 0 if stream is None else stream.highest

    def ranks(self, site: str, device: str) -> dict[int, tuple[int, int]]:
        """Return, by id, the order in which a device's outboxes were in use.

        That is the order in which they were heard of, with one exception: an outbox that was never announced was
        taken over from a disk by the one announced last before it, and is older than that one.
        """
        ranks: dict[int, tuple[int, int]] = {}
        announced = 0
        for stream in sorted(self._devices.get((site, device), ()), key=lambda item: item.id):
            announced = stream.id if stream.announced else announced
            ranks[stream.id] = (announced, 0 if stream.announced else stream.id - LATEST)
        return ranks

    def all(self) -> list[Stream]:
        """Return all streams."""
        return list(self._streams.values())


def _below(hole: Range, limit: int) -> Range | None:
    return (hole[0], min(hole[1], limit - 1)) if hole[0] < limit else None


def _from(hole: Range, limit: int) -> Range | None:
    return (max(hole[0], limit), hole[1]) if hole[1] >= limit else None


def _inside(gap: Range, known: IntervalSet) -> bool:
    return not known.missing(*gap)


def _size(ranges: list[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)
