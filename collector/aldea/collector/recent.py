"""Batches that were just decoded, kept a moment for the followers, who would decode them again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from aldea.model.columns import decode_columns

if TYPE_CHECKING:
    from aldea.collector.journal import Entry
    from aldea.model.columns import Batch

KEEP = 2_000


class RecentBatches:
    """The newest decoded batches by journal position; bounded. Safe between threads."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._batches: OrderedDict[int, Batch] = OrderedDict()

    def put(self, position: int, batch: Batch) -> None:
        """Keep a batch; the oldest goes when there are too many."""
        with self._lock:
            self._batches[position] = batch
            if len(self._batches) > self._keep:
                self._batches.popitem(last=False)

    def batch_of(self, entry: Entry) -> Batch:
        """Return the entry's batch, decoding it if it is no longer kept."""
        with self._lock:
            batch = self._batches.get(entry.position)
        return decode_columns(entry.payload) if batch is None else batch
