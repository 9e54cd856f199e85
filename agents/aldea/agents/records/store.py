"""A small SQLite file of the box: private, durable with each commit, put aside when it is damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from aldea.agents.outbox.database import transaction
from aldea.agents.outbox.errors import is_damage

_LOG = logging.getLogger(__name__)
BUSY_SECONDS = 10


class Store:
    """One file and one connection, shared by threads. Raises sqlite3.Error where the disk does not allow it."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and _is_damaged(path):
            _put_aside(path)
        # The mode before the content: nobody else may read it, not even for a moment.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        self._db = _connect(path)
        try:
            self._db.executescript(schema)
        except BaseException:
            self._db.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Commit what happens within, durably, or none of it."""
        with self._lock, transaction(self._db):
            yield self._db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read; threads take turns."""
        with self._lock:
            yield self._db

    def empty_log(self) -> None:
        """Bring the log into the file and empty it: what was deleted would else lie in the log until it is full."""
        log = Path(f"{self._path}-wal")
        with self._lock:
            if log.exists() and log.stat().st_size:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._db.close()


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        # What is deleted is not left lying in the file.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA wal_autocheckpoint = 64")
        db.execute("PRAGMA cache_size = -512")
        db.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        db.close()
        raise
    return db


def _is_damaged(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.Error as error:
        if is_damage(error):
            return True
        raise


def _put_aside(path: Path) -> None:
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    # The log first: a new file beside an old log would take the log's pages for its own.
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    _LOG.error("%s is damaged; it was put aside as %s, and a new one begun", path.name, aside.name)
