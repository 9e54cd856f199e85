"""The file's tables, and how it is opened.

One row of `chunk` is the rows of one series in one batch, its columns left as they came on the wire. The table
is ordered by series and time, so that reading one series over a range walks neighbouring pages.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from aldea.model.said import Said

VERSION = 1

_TABLES = """
CREATE TABLE site (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE layout (id INTEGER PRIMARY KEY, columns TEXT NOT NULL UNIQUE);
CREATE TABLE field (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  site INTEGER NOT NULL,
  device TEXT NOT NULL,
  measurement TEXT NOT NULL,
  tags TEXT NOT NULL,                      -- JSON: [[key, value], ...], sorted
  longest_ms INTEGER NOT NULL DEFAULT 0,   -- no chunk spans more: bounds the search backwards from a time
  UNIQUE (site, measurement, device, tags)
);
CREATE TABLE series_layout (series INTEGER, layout INTEGER, PRIMARY KEY (series, layout)) WITHOUT ROWID;
CREATE TABLE chunk (
  series INTEGER NOT NULL,
  t_min INTEGER NOT NULL,                  -- wall milliseconds of the earliest row
  id INTEGER NOT NULL,                     -- grows with each write; two chunks may hold the same row
  t_max INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,              -- seq = first_seq + the first column
  offset_ms INTEGER NOT NULL,              -- wall milliseconds = offset_ms + the second column
  layout INTEGER NOT NULL,
  texts TEXT,                              -- JSON: the list of texts of each text column, in order
  body BLOB NOT NULL,
  PRIMARY KEY (series, t_min, id)
) WITHOUT ROWID;
CREATE TABLE next_chunk (id INTEGER NOT NULL);
INSERT INTO next_chunk VALUES (1);
-- Hours whose rollups are out of date, and days that may have several chunks a series.
CREATE TABLE dirty_hour (site INTEGER, hour INTEGER, PRIMARY KEY (site, hour)) WITHOUT ROWID;
CREATE TABLE loose_day (day INTEGER, site INTEGER, PRIMARY KEY (day, site)) WITHOUT ROWID;
-- Rollups of rows that are still here, recomputed at will; `kept_hour` is of rows that were trimmed.
CREATE TABLE hour (
  series INTEGER, hour INTEGER, field INTEGER,
  count INTEGER NOT NULL, total REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  last REAL NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY (series, hour, field)
) WITHOUT ROWID;
CREATE TABLE kept_hour (
  series INTEGER, field INTEGER, hour INTEGER,
  count INTEGER NOT NULL, total REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  last REAL NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY (series, field, hour)
) WITHOUT ROWID;
"""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file for writing, making its tables when it is new.

    Raises ValueError when another version wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    # The journal's cursor moves as soon as a write has returned, so a power cut must not undo the write.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if version not in (0, VERSION):
        connection.close()
        raise ValueError(
            Said(
                f"{path} is a series file of version {version}, this program reads {VERSION}",
                f"{path} es un archivo de series de la versión {version}, este programa lee {VERSION}",
            )
        )
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open another connection that only reads."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA cache_size = -32768")
    return connection
