"""What the journal's file remembers of foreign messages: which came already, and under which epochs rows were given."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.journal import Journal

MOST_DIGESTS = 100_000
"""A hundred times what a broker may have in flight."""

_TABLES = (
    # content: the same bytes are the same reading, whenever they come. Otherwise: one delivery of one session.
    """CREATE TABLE IF NOT EXISTS foreign_seen (
        id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, content INTEGER NOT NULL
    )""",
    "CREATE TABLE IF NOT EXISTS foreign_life (salt TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS foreign_filter (filter TEXT PRIMARY KEY) WITHOUT ROWID",
)


class ForeignMemory:
    """Tables in the journal's file. All but the constructor is called inside the journal's transaction.

    `restored` says that this journal is older than what has been told of it: rows that it no longer knows have
    used up seqs, so new rows need new epochs.
    """

    def __init__(self, collector: str, journal: Journal, *, restored: bool) -> None:
        self._collector = collector
        self._journal_id = journal.id
        self._db = journal.database
        with journal.transaction():
            for table in _TABLES:
                self._db.execute(table)
            (lives,) = self._db.execute("SELECT count(*) FROM foreign_life").fetchone()
            if restored or not lives:
                self._db.execute("INSERT INTO foreign_life VALUES (lower(hex(randomblob(8))))")
            self._salts = [salt for (salt,) in self._db.execute("SELECT salt FROM foreign_life ORDER BY rowid")]

    def epochs(self, site: str, device: str) -> list[str]:
        """Return the epochs of a device's foreign rows, the one for new rows last."""
        parts = (self._collector, self._journal_id, site, device)
        return [hashlib.sha256("\n".join((salt, *parts)).encode()).hexdigest()[:16] for salt in self._salts]

    def knows(self, digests: Sequence[bytes]) -> bool:
        """Say whether one of these was noted."""
        marks = ",".join("?" * len(digests))
        query = f"SELECT 1 FROM foreign_seen WHERE digest IN ({marks})"  # noqa: S608 - question marks alone
        return self._db.execute(query, tuple(digests)).fetchone() is not None

    def note(self, digest: bytes, *, content: bool) -> None:
        """Note a message as taken; the oldest notes go."""
        found = self._db.execute(
            "INSERT OR REPLACE INTO foreign_seen (digest, content) VALUES (?, ?)", (digest, content)
        )
        self._db.execute("DELETE FROM foreign_seen WHERE id <= ?", ((found.lastrowid or 0) - MOST_DIGESTS,))

    def forget_deliveries(self) -> None:
        """Another session has begun: its packet ids mean other messages."""
        self._db.execute("DELETE FROM foreign_seen WHERE NOT content")

    def left_filters(self, wanted: Sequence[str]) -> list[str]:
        """Note the filters that are subscribed to; return those of earlier settings, which a session still has."""
        known = [text for (text,) in self._db.execute("SELECT filter FROM foreign_filter")]
        self._db.executemany("INSERT OR IGNORE INTO foreign_filter VALUES (?)", [(text,) for text in wanted])
        return sorted(set(known) - set(wanted))


def content_digest(topic: str, payload: bytes) -> bytes:
    """Return what names a message that states its own time."""
    return hashlib.sha256(b"content\0" + topic.encode("utf-8", "replace") + b"\0" + payload).digest()[:16]


def delivery_digest(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Return what names one delivery of a session: the broker sends it again under the same packet id."""
    prefix = b"delivery\0%d\0" % packet_id
    return hashlib.sha256(prefix + topic.encode("utf-8", "replace") + b"\0" + payload).digest()[:16]
