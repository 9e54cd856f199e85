"""When each boot began: from its anchor, or between its neighbours when it never knew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aldea.collector.journal import BootRow, Journal
    from aldea.collector.streams import StreamBook
    from aldea.model.wire import Anchor

SAME_MS = 2_000
"""Two anchors of one boot that differ by less say the same: stored times do not move for it."""

DISTRUST_MS = 10 * 60 * 1000
ESTIMATE_MOVES_MS = 60_000
NTP, SERVER, ESTIMATED = "ntp", "server", "estimated"

Extent = tuple[int, int]
"""First and last millisecond since boot of a boot's rows."""


def anchor_moves(boot: BootRow, anchor: Anchor) -> bool:
    """Say whether an anchor changes what is known of a boot's time. Pure.

    The first anchor counts. Later ones count when they differ by more than 2 s and are better: NTP over the
    server's time, or a smaller error of the same kind. An agent that turns from NTP to the server's time by more
    than ten minutes has found its NTP wrong, and is believed.
    """
    if boot.offset_ms is None or boot.source == ESTIMATED:
        return True
    difference = abs(anchor.offset_ms - boot.offset_ms)
    if difference <= SAME_MS:
        return False
    source = source_of(anchor)
    if source == boot.source:
        return boot.error_ms is None or anchor.error_ms < boot.error_ms
    return source == NTP or difference > DISTRUST_MS


def source_of(anchor: Anchor) -> str:
    """Return `ntp` or `server`: a word we don't know is believed no more than the server's time."""
    return NTP if anchor.source == NTP else SERVER


def estimate_offsets(lasts: Sequence[int], previous_end_ms: int | None, next_start_ms: int) -> list[int]:
    """Return the offsets that place consecutive boots of unknown time between their known neighbours. Pure.

    `lasts` holds each boot's last millisecond since boot, in the order of the boots. They lie one after the
    other, behind the last known row before them and before the next known boot began; the slack is shared out
    evenly, which for a single boot halves the largest possible error. Without a known row before them, or
    without room, they end right where the next boot begins.
    """
    slack = 0 if previous_end_ms is None else max(next_start_ms - previous_end_ms - sum(lasts), 0)
    share = slack // (len(lasts) + 1)
    offsets: list[int] = []
    start = next_start_ms
    for last in reversed(lasts):
        start -= share + last
        offsets.append(start)
    return offsets[::-1]


class BootBook:
    """All boots of all devices, as the journal has them."""

    def __init__(self, journal: Journal, streams: StreamBook) -> None:
        self._journal = journal
        self._book = streams
        self._devices: dict[tuple[str, str], dict[str, BootRow]] = {}
        self._extents: dict[int, Extent | None] = {}
        self._unplaced: set[tuple[str, str]] = set()
        self._streams = journal.first_streams()
        for row in journal.boots():
            self._devices.setdefault((row.site, row.device), {})[row.boot_id] = row
        for owner in self._devices:
            self._note_unplaced(owner)

    def get(
        self, site: str, device: str, boot_id: str, boot_no: int, anchor: Anchor | None, stream: int | None = None
    ) -> BootRow:
        """Return a boot, made if it is new, with what its anchor says taken in; `stream` is where its rows are."""
        boot = self._devices.get((site, device), {}).get(boot_id)
        if boot is None:
            boot = self._journal.add_boot(site, device, boot_id, boot_no)
            self._keep(boot)
        if stream is not None:
            self._streams.setdefault(boot.id, stream)
        if anchor is not None and anchor_moves(boot, anchor):
            boot = self._journal.set_boot_time(boot, anchor.offset_ms, anchor.error_ms, source_of(anchor))
            self._keep(boot)
        return boot

    def extend(self, boot: int, low: int, high: int) -> None:
        """Note that rows of a boot, from `low` to `high` milliseconds since boot, are in the journal now."""
        if boot in self._extents:
            known = self._extents[boot] or (low, high)
            self._extents[boot] = (min(known[0], low), max(known[1], high))

    def place_unknown(self, site: str, device: str) -> None:
        """Estimate the boots of a device that never knew the time and that a later, known boot has followed.

        A later boot is needed: until then the boot may still learn its time.
        """
        if (site, device) not in self._unplaced:
            return
        previous_end: int | None = None
        unknown: list[BootRow] = []
        for boot in self._in_order(self._devices[site, device].values()):
            if boot.offset_ms is None or boot.source == ESTIMATED:
                unknown.append(boot)
                continue
            self._estimate(unknown, previous_end, boot.offset_ms)
            unknown = []
            extent = self._extent(boot)
            end = boot.offset_ms + (extent[1] if extent else 0)
            previous_end = end if previous_end is None else max(previous_end, end)

    def _in_order(self, boots: Iterable[BootRow]) -> list[BootRow]:
        """Return a device's boots, oldest first.

        An outbox numbers its boots; a new outbox begins again at 1, in a stream that came later. A boot whose rows
        have been trimmed goes with the one that was heard of before it.
        """
        places: dict[int, tuple[tuple[int, int], int, int]] = {}
        stream = 0
        by_id = sorted(boots, key=lambda row: row.id)
        ranks = self._book.ranks(by_id[0].site, by_id[0].device) if by_id else {}
        for boot in by_id:
            stream = self._streams.get(boot.id, stream)
            places[boot.id] = (ranks.get(stream, (stream, 0)), boot.boot_no, boot.id)
        return sorted(by_id, key=lambda row: places[row.id])

    def _estimate(self, boots: Sequence[BootRow], previous_end_ms: int | None, next_start_ms: int) -> None:
        filled = list(self._with_rows(boots))
        offsets = estimate_offsets([extent[1] for _, extent in filled], previous_end_ms, next_start_ms)
        placed = [(boot, offset) for (boot, _), offset in zip(filled, offsets, strict=True)]
        if any(b.offset_ms is None or abs(b.offset_ms - offset) > ESTIMATE_MOVES_MS for b, offset in placed):
            for boot, offset in placed:
                if boot.offset_ms != offset:
                    self._keep(self._journal.set_boot_time(boot, offset, None, ESTIMATED))

    def _with_rows(self, boots: Sequence[BootRow]) -> Iterator[tuple[BootRow, Extent]]:
        for boot in boots:
            extent = self._extent(boot)
            if extent is not None:
                yield boot, extent

    def _extent(self, boot: BootRow) -> Extent | None:
        if boot.id not in self._extents:
            self._extents[boot.id] = self._journal.boot_extent(boot.id)
        return self._extents[boot.id]

    def _keep(self, boot: BootRow) -> None:
        owner = (boot.site, boot.device)
        self._devices.setdefault(owner, {})[boot.boot_id] = boot
        self._note_unplaced(owner)

    def _note_unplaced(self, owner: tuple[str, str]) -> None:
        if any(row.offset_ms is None or row.source == ESTIMATED for row in self._devices[owner].values()):
            self._unplaced.add(owner)
        else:
            self._unplaced.discard(owner)
