"""The journal's tables, and how its file is opened."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from aldea.model.said import Said

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE identity (id TEXT NOT NULL);   -- another file, another id: positions mean nothing across files
INSERT INTO identity VALUES (lower(hex(randomblob(8))));
CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL, device TEXT NOT NULL, epoch TEXT NOT NULL,
    held_from INTEGER NOT NULL DEFAULT 1,   -- the oldest seq its agent said it still holds
    announced INTEGER NOT NULL DEFAULT 0,   -- the newest seq its agent said it has given
    UNIQUE (site, device, epoch)
);
CREATE TABLE boot (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL, device TEXT NOT NULL, boot_id TEXT NOT NULL, boot_no INTEGER NOT NULL,
    offset_ms INTEGER, error_ms INTEGER, source TEXT,   -- null: its time is not known
    version INTEGER NOT NULL,                           -- grows with each change of any boot's time
    UNIQUE (site, device, boot_id)
);
CREATE INDEX boot_version ON boot (version);
CREATE TABLE entry (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    stream INTEGER REFERENCES stream, boot INTEGER REFERENCES boot,
    first_seq INTEGER, last_seq INTEGER,
    mono_low INTEGER, mono_high INTEGER,
    site TEXT NOT NULL, device TEXT NOT NULL, lane TEXT NOT NULL,
    arrival_ms INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX entry_stream ON entry (stream, first_seq, last_seq) WHERE stream IS NOT NULL;
CREATE INDEX entry_boot ON entry (boot) WHERE boot IS NOT NULL;
-- A row is kept once: ranges of a stream may not overlap, trimmed ones included, whatever the code believes.
CREATE TRIGGER entry_once BEFORE INSERT ON entry WHEN NEW.stream IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'these rows are in the journal already')
    WHERE (SELECT last_seq FROM entry WHERE stream = NEW.stream AND first_seq <= NEW.last_seq
           ORDER BY first_seq DESC LIMIT 1) >= NEW.first_seq
    OR (SELECT last_seq FROM span WHERE stream = NEW.stream AND state = 'trimmed' AND first_seq <= NEW.last_seq
        ORDER BY first_seq DESC LIMIT 1) >= NEW.first_seq;
END;
-- What is known of a stream beside its entries: trimmed, rejected, or given up by the agent.
CREATE TABLE span (
    stream INTEGER NOT NULL REFERENCES stream, state TEXT NOT NULL,
    first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (stream, state, first_seq)
) WITHOUT ROWID;
CREATE TABLE presence (
    site TEXT NOT NULL, device TEXT NOT NULL,
    connection INTEGER NOT NULL, epoch TEXT NOT NULL, state TEXT NOT NULL, since_ms INTEGER NOT NULL,
    PRIMARY KEY (site, device)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL UNIQUE,           -- the same bad thing is kept once, and counted
    times INTEGER NOT NULL DEFAULT 1,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    site TEXT, device TEXT, topic TEXT NOT NULL,
    reason TEXT NOT NULL, sentence TEXT NOT NULL,
    size INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class JournalError(Exception):
    """The journal's file cannot be used; the message says why and what to do."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the journal for writing, made if it does not exist: WAL, and every commit on disk (FULL).

    Raises JournalError when the file is damaged or of another version.
    """
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA cache_size = -32000")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise JournalError(
                Said(
                    f"{path} has journal version {version}, this Aldea reads {SCHEMA_VERSION}: "
                    "start the Aldea that wrote it, or move the file away",
                    f"{path} es un diario de la versión {version} y este Aldea lee {SCHEMA_VERSION}: "
                    "arrancar el Aldea que lo escribió, o apartar el archivo",
                )
            )
        else:
            connection.execute("SELECT id FROM identity").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise JournalError(
            Said(
                f"{path} is not a usable journal ({error}): restore it, or move it away",
                f"{path} no es un diario que se pueda usar ({error}): restaurarlo, o apartarlo",
            )
        ) from error
    except JournalError:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing journal for reading beside its writer."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection
