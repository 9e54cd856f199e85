"""The journal: what the collector has promised to keep, on disk, before it says so.

One SQLite file per collector. `Journal` is written by the ingesting thread alone; followers read it with
`JournalReader` and keep their positions in `Cursors`, a file of their own, so that they never wait for it.
"""

from aldea.collector.journal.cursors import BOOTS, FEED_BOOTS, Cursors, Written
from aldea.collector.journal.entries import BootRow, EntryKind, NewEntry, StreamRow
from aldea.collector.journal.reader import Entry, JournalReader
from aldea.collector.journal.schema import JournalError
from aldea.collector.journal.writer import Journal

__all__ = [
    "BOOTS",
    "FEED_BOOTS",
    "BootRow",
    "Cursors",
    "Entry",
    "EntryKind",
    "Journal",
    "JournalError",
    "JournalReader",
    "NewEntry",
    "StreamRow",
    "Written",
]
