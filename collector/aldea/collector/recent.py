"""Batches that were just decoded, kept a moment for the followers, who would decode them again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from aldea.model.columns import decode_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aldea.collector.journal import Entry
    from aldea.model.columns import Batch

KEEP_NUMBERS = 8_000_000
"""How many numbers the kept batches may hold together: 64 MB."""


class RecentBatches:
    """The newest decoded batches by journal position; bounded by what they hold. Safe between threads."""

    def __init__(self, keep_numbers: int = KEEP_NUMBERS) -> None:
        self._keep = keep_numbers
        self._lock = threading.Lock()
        self._held = 0
        self._batches: OrderedDict[int, tuple[Batch, int]] = OrderedDict()

    def put(self, batches: Iterable[tuple[int, Batch]]) -> None:
        """Keep batches with their positions; the oldest go when there is too much."""
        with self._lock:
            for position, batch in batches:
                numbers = sum([block.spec.width * block.spec.rows for block in batch.blocks]) + 100
                self._batches[position] = (batch, numbers)
                self._held += numbers
                while self._held > self._keep:
                    _, (_, gone) = self._batches.popitem(last=False)
                    self._held -= gone

    def batch_of(self, entry: Entry) -> Batch:
        """Return the entry's batch, decoding it if it is no longer kept."""
        with self._lock:
            found = self._batches.get(entry.position)
        return decode_columns(entry.payload) if found is None else found[0]
