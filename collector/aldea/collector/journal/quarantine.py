"""The journal's quarantine and counters: what could not be accepted, once and bounded, and what happened how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

QUARANTINE_MAX_ROWS = 10_000
QUARANTINE_MAX_PAYLOAD = 64 * 1024


class Quarantine:
    """The part of the journal's writer that notes what was bad; in the same transaction as the rest of a group."""

    _db: sqlite3.Connection

    def quarantine(
        self,
        what: str,
        now_ms: int,
        topic: str,
        reason: str,
        sentence: str,
        payload: bytes,
        owner: tuple[str, str] | None = None,
    ) -> bool:
        """Keep a bad thing once (`what` names it), the first 64 KiB of it. Returns whether it was new."""
        if self.seen_again(what, now_ms):
            return False
        site, device = owner or (None, None)
        self._db.execute(
            "INSERT INTO quarantine (what, first_ms, last_ms, site, device, topic, reason, sentence, size, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                what,
                now_ms,
                now_ms,
                site,
                device,
                topic[:200],
                reason,
                sentence[:500],
                len(payload),
                payload[:QUARANTINE_MAX_PAYLOAD],
            ),
        )
        self._db.execute(
            "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", (QUARANTINE_MAX_ROWS,)
        )
        self.count({f"quarantined_{reason}": 1})
        return True

    def seen_again(self, what: str, now_ms: int) -> bool:
        """Count a bad thing once more; return whether it is kept already."""
        found = self._db.execute("UPDATE quarantine SET times = times + 1, last_ms = ? WHERE what = ?", (now_ms, what))
        return found.rowcount > 0

    def quarantined(self) -> list[tuple[str, int, str, str]]:
        """Return (reason, times, topic, sentence) of all that is kept, oldest first."""
        return list(self._db.execute("SELECT reason, times, topic, sentence FROM quarantine ORDER BY id"))

    def count(self, amounts: Mapping[str, int]) -> None:
        """Add to counters that survive restarts."""
        self._db.executemany(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            [(name, by) for name, by in amounts.items() if by],
        )

    def counters(self) -> dict[str, int]:
        """Return all counters."""
        return dict(self._db.execute("SELECT name, value FROM counter"))
