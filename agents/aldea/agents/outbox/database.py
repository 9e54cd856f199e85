"""The outbox's file: its tables, opening it with care, and putting aside what must not be used."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from aldea.agents.outbox.formats import OUTBOX_FORMAT
from aldea.agents.outbox.records import OutboxUnavailable

NAME = "outbox.sqlite"
_LOG = logging.getLogger(__name__)

# `series` holds what rows have in common, so that a row costs about 60 bytes.
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_seq INTEGER NOT NULL);
CREATE TABLE boot (number INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, anchor TEXT);
CREATE TABLE series (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
CREATE TABLE waiting (
    epoch_id INTEGER NOT NULL, seq INTEGER NOT NULL, boot_no INTEGER NOT NULL, mono_ms INTEGER NOT NULL,
    series_id INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (epoch_id, seq)
) WITHOUT ROWID;
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL, seq INTEGER NOT NULL, boot_no INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL, series TEXT NOT NULL, content TEXT NOT NULL, reason TEXT NOT NULL
);
"""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# A block that the card no longer gives: it stays so, and the agent must not stay silent for it.
_UNREADABLE = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
}
_NO_ROOM = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOMEM,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


class Origin(StrEnum):
    """Where the outbox's file comes from, as the boot row tells it."""

    KEPT = "kept"
    NEW = "new"
    CORRUPT = "corrupt"
    OTHER_MACHINE = "other_machine"


def _primary(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether `error` means that the file itself is spoilt."""
    return _primary(error) in _DAMAGE or getattr(error, "sqlite_errorcode", None) in _UNREADABLE


def is_spoilt(error: sqlite3.Error) -> bool:
    """Say whether the file cannot be what it should be: damaged, or without a table (SQLITE_ERROR) that it has."""
    return is_damage(error) or _primary(error) == sqlite3.SQLITE_ERROR


def is_no_room(error: sqlite3.Error) -> bool:
    """Say whether `error` may pass: disk full, I/O error, read-only, somebody else's lock."""
    return _primary(error) in _NO_ROOM and not is_damage(error)


def unavailable(path: Path, error: sqlite3.Error | OSError) -> OutboxUnavailable:
    """Return what is to be raised when the disk does not allow what `path` is needed for."""
    said = error.strerror or error if isinstance(error, OSError) else error
    return OutboxUnavailable(f"{path} cannot be used: {said}", _reason(path.parent, error))


def _reason(folder: Path, error: sqlite3.Error | OSError) -> str:
    """Return the word for what keeps rows from being stored: SQLite's own is the same for a full and a broken disk."""
    code = _primary(error) if isinstance(error, sqlite3.Error) else 0
    number = error.errno if isinstance(error, OSError) else 0
    if code in _BUSY:
        return "busy"
    if code == sqlite3.SQLITE_FULL or number in {errno.ENOSPC, errno.EDQUOT}:
        return "disk_full"
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM} or number in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return "read_only"
    try:
        disk = os.statvfs(folder)
    except OSError:
        return "disk_error"
    if disk.f_flag & os.ST_RDONLY:
        return "read_only"
    return "disk_full" if disk.f_bavail == 0 or (disk.f_files and disk.f_favail == 0) else "disk_error"


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit what happens within, durably, or none of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def open_database(folder: Path, hardware_id: str) -> tuple[sqlite3.Connection, Origin]:
    """Open the outbox in `folder`, or begin a new one where there is none that may be used.

    A file that cannot be read, or that belongs to another machine, is kept aside, its log with it.
    Raises OutboxUnavailable when the disk does not allow it now.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return _create(path, hardware_id), Origin.NEW
        origin = _examine(path, hardware_id)
        if origin is Origin.KEPT:
            return connect(path), origin
        put_aside(path, origin)
        return _create(path, hardware_id), origin
    except (OSError, sqlite3.Error) as error:
        raise unavailable(path, error) from error


def put_aside(path: Path, origin: Origin) -> Path:
    """Rename the file and its log so that nothing is overwritten; return its new name."""
    number = 1
    while (aside := path.with_name(f"outbox.{origin.value}-{number}.sqlite")).exists():
        number += 1
    # The log first: a new file beside an old log would take the log's pages for its own.
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    _LOG.warning("the outbox %s was put aside as %s (%s)", path, aside.name, origin.value)
    return aside


def _examine(path: Path, hardware_id: str) -> Origin:
    if path.stat().st_size == 0:
        return Origin.CORRUPT
    try:
        with closing(connect(path)) as db:
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                return Origin.CORRUPT
            owner = _meta(db, "hardware_id")
            sound = db.execute("SELECT count(*) FROM epoch").fetchone()[0] and _meta(db, "schema")
    except sqlite3.Error as error:
        if is_spoilt(error):
            return Origin.CORRUPT
        raise
    if not sound:
        return Origin.CORRUPT
    # Closing the last connection has moved its log into the file: it can be carried off whole.
    # Where nothing tells machines apart, nothing can be said against the file.
    foreign = owner and hardware_id and owner != hardware_id
    return Origin.OTHER_MACHINE if foreign else Origin.KEPT


def _meta(db: sqlite3.Connection, name: str) -> object:
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def connect(path: Path) -> sqlite3.Connection:
    """Open an outbox's file as it is always opened: every commit is on disk when it returns."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    # A spoilt text must not stop the reading of its neighbours.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 256")
        db.execute("PRAGMA cache_size = -1024")
        db.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        db.close()
        raise
    return db


def _create(path: Path, hardware_id: str) -> sqlite3.Connection:
    """Make a new file under another name, and give it its own when it is whole: there is no half of one."""
    draft = path.with_name("outbox.new")
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        with transaction(db):
            db.executemany("INSERT INTO meta VALUES (?, ?)", [("schema", OUTBOX_FORMAT), ("hardware_id", hardware_id)])
            add_epoch(db)
    for suffix in ("-wal", "-shm"):  # left over from a file that somebody removed
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    draft.rename(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return connect(path)


def add_epoch(db: sqlite3.Connection) -> None:
    """Begin a new epoch; its seqs start at 1."""
    db.execute("INSERT INTO epoch (name, last_seq) VALUES (?, 0)", (secrets.token_hex(8),))
