"""Whether our own collectors hear anything, by what they report of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aldea.alert_rules.rule import Reason
from aldea.storage.register.collectors import CollectorStatus

BEHIND_MS = 30_000
FORGOTTEN_MS = 7 * 86_400_000
REPORTS_KEPT = 60


@dataclass(frozen=True, slots=True)
class Deafness:
    """Why nothing can be heard, and since when. `reason` None: no collector has ever reported."""

    since_ms: int
    reason: Reason | None


@dataclass(slots=True)
class _Seen:
    """A collector's reports as this engine saw them: by our clock, so that a collector's own may be off."""

    reported_ms: int
    changed_ms: int
    positions: list[tuple[int, int]] = field(default_factory=list)


class CollectorWatch:
    """Follows the collectors' reports. One that hears is enough: the broker shares the sites out among them."""

    def __init__(self, stale_ms: int) -> None:
        self._stale_ms = stale_ms
        self._seen: dict[str, _Seen] = {}

    def look(self, statuses: Sequence[CollectorStatus], now_ms: int) -> Deafness | None:
        """Return why we are deaf, None when at least one collector hears and what it hears comes through."""
        problems = [(status.reported_ms, self._problem(status, now_ms)) for status in statuses]
        if any(problem is None for _, problem in problems):
            return None
        recent = [one for one in problems if now_ms - one[0] < FORGOTTEN_MS]
        if not recent:
            return Deafness(now_ms, None)
        return max(recent, key=lambda one: one[0])[1]

    def _problem(self, status: CollectorStatus, now_ms: int) -> Deafness | None:
        seen = self._note(status, now_ms)
        since, word = self._fault(status, seen, now_ms)
        if word is None:
            return None
        return Deafness(since, Reason("collector", {"collector": status.collector, "problem": word, "since_ms": since}))

    def _fault(self, status: CollectorStatus, seen: _Seen, now_ms: int) -> tuple[int, str | None]:
        if now_ms - seen.changed_ms > self._stale_ms:
            return seen.changed_ms, "stale"
        if not status.connected:
            return seen.changed_ms, "disconnected"
        # What it had written by then has to be in the register by now.
        known = [at for at, position in seen.positions if position <= status.feed_position]
        through = max(known, default=seen.positions[0][0])
        if now_ms - through > BEHIND_MS:
            return through, "behind"
        return now_ms, None

    def _note(self, status: CollectorStatus, now_ms: int) -> _Seen:
        seen = self._seen.get(status.collector)
        if seen is None:
            seen = _Seen(status.reported_ms, min(status.reported_ms, now_ms), [(now_ms, status.journal_position)])
            self._seen[status.collector] = seen
        elif status.reported_ms != seen.reported_ms:
            seen.reported_ms, seen.changed_ms = status.reported_ms, now_ms
            seen.positions.append((now_ms, status.journal_position))
            del seen.positions[:-REPORTS_KEPT]
        return seen
