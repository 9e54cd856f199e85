"""The streams' records as the ingesting thread last knew them, and which of them nobody has passed on yet."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aldea.collector.streams import StreamRecord

Key = tuple[str, str, str]
"""Site, device and epoch."""


class Coverage:
    """Records of streams by key. Written by the ingesting thread after its commit; safe between threads.

    A change is pending until whoever passes it on says so: rejected rows change a stream and leave no entry.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[Key, StreamRecord] = {}
        self._pending: dict[Key, StreamRecord] = {}

    def load(self, records: Iterable[StreamRecord]) -> None:
        """Replace all records by what the journal says; what was pending stays so, with its true record."""
        with self._lock:
            self._records = {(item.site, item.device, item.epoch): item for item in records}
            self._pending = {key: self._records[key] for key in self._pending if key in self._records}

    def put(self, records: Iterable[StreamRecord]) -> None:
        """Take in records that changed."""
        with self._lock:
            for item in records:
                key = (item.site, item.device, item.epoch)
                if self._records.get(key) != item:
                    self._records[key] = self._pending[key] = item

    def get(self, key: Key) -> StreamRecord | None:
        """Return a stream's record."""
        with self._lock:
            return self._records.get(key)

    def pending(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records that changed and were not passed on, the longest waiting first."""
        with self._lock:
            return [record for _, record in zip(range(limit), self._pending.values(), strict=False)]

    def passed_on(self, records: Iterable[StreamRecord]) -> None:
        """Note that these records were passed on; one that has changed again meanwhile stays pending."""
        with self._lock:
            for item in records:
                key = (item.site, item.device, item.epoch)
                if self._pending.get(key) is item:
                    del self._pending[key]
