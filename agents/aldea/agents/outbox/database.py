"""The outbox's file: its tables, opening it with care, and putting aside what must not be used."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from aldea.agents.outbox.errors import is_spoilt, unavailable
from aldea.agents.outbox.formats import OUTBOX_FORMAT, READABLE_FORMATS

NAME = "outbox.sqlite"
_DRAFT = "outbox.new"
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

_LOGS = ("-wal", "-shm")


class Origin(StrEnum):
    """Where the outbox's file comes from, as the boot row tells it."""

    KEPT = "kept"
    NEW = "new"
    CORRUPT = "corrupt"
    OTHER_MACHINE = "other_machine"


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

    A file that cannot be read, or that belongs to another machine, is kept aside, its log with it; so is one of a
    format that this version does not know. Raises OutboxUnavailable when the disk does not allow it now.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        origin = _examine(path, hardware_id) if path.exists() else _cut_off(path)
        db = connect(path) if origin is Origin.KEPT else begin_anew(path, hardware_id, origin)
    except (OSError, sqlite3.Error) as error:
        raise unavailable(path, error) from error
    return db, origin


def begin_anew(path: Path, hardware_id: str, origin: Origin) -> sqlite3.Connection:
    """Open a new file in place of the one that must not be used, which is put aside once the new one is made.

    Raises OSError or sqlite3.Error when the disk does not allow it: then the old one is still there.
    """
    draft = _draft(path, hardware_id)
    if path.exists():
        put_aside(path, origin)
    for suffix in _LOGS:  # left over from a file that somebody removed
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    draft.rename(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return connect(path)


def put_aside(path: Path, origin: Origin) -> Path:
    """Rename the file and its log so that nothing is overwritten; return its new name.

    A number is used once, also where somebody removed the file that had it: what was noted of that one stays.
    """
    number = 1
    while any(path.parent.glob(f"outbox.{origin.value}-{number}.*")):
        number += 1
    aside = path.with_name(f"outbox.{origin.value}-{number}.sqlite")
    # The file first: without its log it would still look whole, and give seqs a second time. See `_cut_off`.
    for suffix in ("", *_LOGS):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    _LOG.warning("the outbox %s was put aside as %s (%s)", path, aside.name, origin.value)
    return aside


def _cut_off(path: Path) -> Origin:
    """Say why there is no file, and end what a power cut left half done: one put aside, its log not yet.

    A draft is there where the cut was, since it is made first.
    """
    damaged = [aside for aside in _aside(path, Origin.CORRUPT) if not aside.with_suffix(".done").exists()]
    found = damaged or _aside(path, Origin.OTHER_MACHINE)
    if not found or not path.with_name(_DRAFT).exists():
        return Origin.NEW
    for suffix in _LOGS:
        part, there = Path(f"{path}{suffix}"), Path(f"{found[-1]}{suffix}")
        if part.exists() and not there.exists():
            part.rename(there)
    return Origin.CORRUPT if damaged else Origin.OTHER_MACHINE


def _aside(path: Path, origin: Origin) -> list[Path]:
    """Return the files that were put aside for one reason, in their order."""
    found = path.parent.glob(f"outbox.{origin.value}-*.sqlite")
    return sorted(found, key=lambda aside: (len(aside.name), aside.name))


def _examine(path: Path, hardware_id: str) -> Origin:
    if path.stat().st_size == 0:
        return Origin.CORRUPT
    try:
        with closing(connect(path)) as db:
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                return Origin.CORRUPT
            owner = _meta(db, "hardware_id")
            known = _meta(db, "schema") in READABLE_FORMATS
            sound = known and db.execute("SELECT count(*) FROM epoch").fetchone()[0]
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


def _draft(path: Path, hardware_id: str) -> Path:
    """Make a new file under another name, to be given its own when it is whole: there is no half of one."""
    draft = path.with_name(_DRAFT)
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        with transaction(db):
            db.executemany("INSERT INTO meta VALUES (?, ?)", [("schema", OUTBOX_FORMAT), ("hardware_id", hardware_id)])
            add_epoch(db)
    return draft


def add_epoch(db: sqlite3.Connection) -> None:
    """Begin a new epoch; its seqs start at 1."""
    db.execute("INSERT INTO epoch (name, last_seq) VALUES (?, 0)", (secrets.token_hex(8),))
