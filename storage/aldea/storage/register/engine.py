"""The two databases, set up so that a committed transaction is on the disk and writers take turns."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from aldea.model.said import Said
from aldea.storage.register.encoding import decode_json, encode_json
from aldea.storage.register.errors import RegisterError

BEGIN_OPTION = "aldea_begin"
"""The execution option that carries the word with which SQLite starts this transaction."""

BUSY_TIMEOUT_MS = 30_000
LOG_ATTEMPTS, LOG_PAUSE_SECONDS = 200, 0.05


def make_engine(url: str) -> Engine:
    """Return an engine for `sqlite:///path` or `postgresql+psycopg://…`.

    Raises RegisterError with a sentence for any other URL.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        json_serializer=encode_json,
        json_deserializer=decode_json,
        pool_pre_ping=True,
        pool_size=8,
        connect_args={"connect_timeout": 10, "application_name": "aldea"},
    )


def _parse(url: str) -> URL:
    forms = ("sqlite:///path/to/file", "postgresql+psycopg://user@host/database")
    advice = Said(f"use {' or '.join(forms)}", f"usar {' o '.join(forms)}")
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise RegisterError(
            Said(f"the register's URL can't be read: {advice}", f"la URL del registro no se puede leer: {advice.es}")
        ) from None
    known = parsed.drivername in {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}
    if not known:
        raise RegisterError(
            Said(
                f"the register's URL starts with {parsed.drivername!r}: {advice}",
                f"la URL del registro empieza con {parsed.drivername!r}: {advice.es}",
            )
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise RegisterError(
            Said(
                f"the register's URL names no file, so nothing would be kept: {advice}",
                f"la URL del registro no nombra ningún archivo, así que nada se guardaría: {advice.es}",
            )
        )
    return parsed


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The register holds people's contact channels: readable by its owner alone.
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise RegisterError(
            Said(
                f"the register's file {path} cannot be made or opened: {error.strerror}",
                f"el archivo del registro {path} no se puede crear o abrir: {error.strerror}",
            )
        ) from error
    engine = create_engine(
        url,
        json_serializer=encode_json,
        json_deserializer=decode_json,
        pool_size=8,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own implicit BEGIN is off: `_begin_sqlite` says how a transaction starts.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _use_log(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch a new file to its write-ahead log. While another process does the same, SQLite waits for nobody."""
    for attempt in range(LOG_ATTEMPTS):
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == LOG_ATTEMPTS - 1:
                raise
            time.sleep(LOG_PAUSE_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN_OPTION, "BEGIN"))
