"""What each probe said last, and since when it says so: for the status page. In memory, bounded."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from aldea.model.sample import Reading, Tags, tags_of

MOST_SERIES = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest reading of a series. Times since boot; `ok_ms` the last without a failure, `since_ms` of its state."""

    reading: Reading
    at_ms: int
    ok_ms: int | None
    since_ms: int

    @property
    def failed(self) -> bool:
        """Whether it carries a failure."""
        return self.reading.fields.get("failure") is not None


class LatestReadings:
    """Takes readings from the runner's thread, and answers the page's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, Tags], Seen] = {}

    def observe(self, readings: Sequence[Reading], mono_ms: int) -> None:
        """Take in what was recorded now."""
        with self._lock:
            for reading in readings:
                key = (reading.measurement, tags_of(reading.tags))
                before = self._seen.pop(key, None)
                failed = reading.fields.get("failure") is not None
                ok_ms = mono_ms if not failed else None if before is None else before.ok_ms
                same = before is not None and before.failed == failed
                since_ms = before.since_ms if before is not None and same else mono_ms
                self._seen[key] = Seen(reading, mono_ms, ok_ms, since_ms)
            while len(self._seen) > MOST_SERIES:
                del self._seen[next(iter(self._seen))]

    def of(self, measurement: str, role: str | None = None) -> list[Seen]:
        """Return the newest reading of each series of a measurement; of pings those with this role."""
        with self._lock:
            return [
                item
                for (name, _), item in self._seen.items()
                if name == measurement and (role is None or item.reading.tags.get("role") == role)
            ]


def newest_round(items: Sequence[Seen]) -> list[Seen]:
    """Return those of the newest round: an anchor that was asked only while the first was silent says nothing now."""
    last_ms = max((item.at_ms for item in items), default=0)
    return [item for item in items if item.at_ms == last_ms]
