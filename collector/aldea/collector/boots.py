"""When each boot began: from its anchor, or between its neighbours when it never knew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aldea.collector.journal import BootRow, Journal
    from aldea.model.wire import Anchor

SAME_MS = 2_000
"""Two anchors of one boot that differ by less say the same: stored times do not move for it."""

DISTRUST_MS = 10 * 60 * 1000
ESTIMATE_MOVES_MS = 60_000


def anchor_moves(boot: BootRow, anchor: Anchor) -> bool:
    """Say whether an anchor changes what is known of a boot's time. Pure.

    The first anchor counts. Later ones count when they differ by more than 2 s and are better: NTP over the
    server's time, or a smaller error of the same kind. An agent that turns from NTP to the server's time by more
    than ten minutes has found its NTP wrong, and is believed.
    """
    if boot.offset_ms is None or boot.source == "estimated":
        return True
    difference = abs(anchor.offset_ms - boot.offset_ms)
    if difference <= SAME_MS:
        return False
    if anchor.source == boot.source:
        return boot.error_ms is None or anchor.error_ms < boot.error_ms
    return anchor.source == "ntp" or difference > DISTRUST_MS


def estimate_offset(extent: tuple[int, int], previous_end_ms: int | None, next_start_ms: int) -> int:
    """Return the offset that places a boot of unknown time between its neighbours. Pure.

    It lies after the last known row before it and ends before the next boot began; the slack is halved, which
    halves the largest possible error. `extent` is the boot's first and last millisecond since boot.
    """
    latest = next_start_ms - extent[1]
    if previous_end_ms is None:
        return latest
    earliest = previous_end_ms
    return earliest + max(latest - earliest, 0) // 2


class BootBook:
    """All boots by (site, device, boot id), as the journal has them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._boots = {(row.site, row.device, row.boot_id): row for row in journal.boots()}
        self._unplaced = {
            key[:2] for key, row in self._boots.items() if row.offset_ms is None or row.source == "estimated"
        }

    def get(self, site: str, device: str, boot_id: str, boot_no: int, anchor: Anchor | None) -> BootRow:
        """Return a boot, made if it is new, with what its anchor says taken in."""
        boot = self._boots.get((site, device, boot_id))
        if boot is None:
            boot = self._keep(self._journal.add_boot(site, device, boot_id, boot_no))
        if anchor is not None and anchor_moves(boot, anchor):
            boot = self._keep(self._journal.set_boot_time(boot, anchor.offset_ms, anchor.error_ms, anchor.source))
        return boot

    def place_unknown(self, site: str, device: str) -> None:
        """Estimate the boots of a device that never knew the time and that a later, known boot has followed.

        A later boot is needed: until then the boot may still learn its time.
        """
        if (site, device) not in self._unplaced:
            return
        boots = sorted(
            (row for row in self._boots.values() if (row.site, row.device) == (site, device)),
            key=lambda row: row.boot_no,
        )
        for index, boot in enumerate(boots):
            if boot.offset_ms is None or boot.source == "estimated":
                self._estimate(boot, boots[:index], boots[index + 1 :])

    def _estimate(self, boot: BootRow, before: list[BootRow], after: list[BootRow]) -> None:
        extent = self._journal.boot_extent(boot.id)
        next_start = next((row.offset_ms for row in after if _measured(row)), None)
        if extent is None or next_start is None:
            return
        ends = [self._end(row) for row in before if _measured(row)]
        offset = estimate_offset(extent, max((end for end in ends if end is not None), default=None), next_start)
        if boot.offset_ms is None or abs(boot.offset_ms - offset) > ESTIMATE_MOVES_MS:
            self._keep(self._journal.set_boot_time(boot, offset, None, "estimated"))

    def _end(self, boot: BootRow) -> int | None:
        extent = self._journal.boot_extent(boot.id)
        return None if extent is None or boot.offset_ms is None else extent[1] + boot.offset_ms

    def _keep(self, boot: BootRow) -> BootRow:
        self._boots[boot.site, boot.device, boot.boot_id] = boot
        if boot.offset_ms is None:
            self._unplaced.add((boot.site, boot.device))
        return boot


def _measured(boot: BootRow) -> bool:
    return boot.offset_ms is not None and boot.source != "estimated"
