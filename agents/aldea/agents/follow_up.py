"""The second `boot` row: how long the machine was off, and which others in the village restarted with it.

At the start neither is known: the time comes with the first anchor, the router's uptime with the first round of
SNMP. So the row is written some minutes later, or an hour later without the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.agents.outbox import OutboxUnavailable
from aldea.model.sample import Reading
from aldea.model.starts import FOLLOW_UP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.agents.outbox import Before, Outbox

MARGIN_MS = 5 * 60_000
"""How far apart machines may start that got their power back together."""

SETTLED_MS = 10 * 60_000
PATIENCE_MS = 60 * 60_000
_OWN_UPTIME = "host"
_MOST_WITNESSES = 16


class FollowUp:
    """Listens to readings until there is enough to tell of the boot before this one. Tells once a boot."""

    def __init__(self, outbox: Outbox, began_ms: int) -> None:
        self._outbox = outbox
        self._began_ms = began_ms
        self._started: dict[str, int] = {}
        self._over = False

    def observe(self, readings: Sequence[Reading], mono_ms: int) -> Reading | None:
        """Take in what was measured; return the row once it is due. Milliseconds are since the machine's boot."""
        if self._over:
            return None
        for reading in readings:
            uptime = reading.fields.get("uptime_seconds")
            if reading.measurement != _OWN_UPTIME and isinstance(uptime, int | float):
                name = reading.tags.get("target", reading.measurement).replace(",", " ")
                if name in self._started or len(self._started) < _MOST_WITNESSES:
                    # The first word counts: a restart later on is another story.
                    self._started.setdefault(name, mono_ms - round(1000 * uptime))
        waited_ms = mono_ms - self._began_ms
        return self._row(waited_ms) if waited_ms >= SETTLED_MS else None

    def told(self) -> None:
        """Note that the row has been stored."""
        self._over = True
        self._outbox.told_before()

    def _row(self, waited_ms: int) -> Reading | None:
        try:
            before = self._outbox.before()
        except OutboxUnavailable:
            return None
        if before is None:
            self._over = True
            return None
        anchor = self._outbox.boot.anchor
        if anchor is None and before.boot.anchor is not None and waited_ms < PATIENCE_MS:
            return None
        silent_ms = None if anchor is None else _silence(before, anchor.offset_ms)
        restarted, kept = _sort(self._started, silent_ms)
        return Reading(
            "boot",
            {
                "kind": FOLLOW_UP,
                "previous_boot_id": before.boot.boot_id,
                "silent_seconds": None if silent_ms is None else silent_ms / 1000,
                "restarted": ", ".join(restarted) or None,
                "kept_running": ", ".join(kept) or None,
            },
        )


def _silence(before: Before, started_ms: int) -> int | None:
    """Return how long it was from the last row of the boot before to this machine's start; None: nobody knows."""
    if before.boot.anchor is None or before.last_mono_ms is None:
        return None
    return max(0, started_ms - before.boot.anchor.offset_ms - before.last_mono_ms)


def _sort(started: dict[str, int], silent_ms: int | None) -> tuple[list[str], list[str]]:
    """Return who restarted within the silence and who did not; milliseconds are since the machine's boot.

    Without a known silence only those are named that came back together with the machine.
    """
    earliest = -MARGIN_MS - (silent_ms or 0)
    restarted = sorted(name for name, at in started.items() if earliest <= at <= MARGIN_MS)
    kept = [] if silent_ms is None else sorted(name for name, at in started.items() if at < earliest)
    return restarted, kept
