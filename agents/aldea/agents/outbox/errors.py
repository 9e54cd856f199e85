"""What SQLite's errors mean for an outbox: its file is spoilt, or the disk does not allow it now."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from aldea.agents.outbox.records import OutboxUnavailable

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
