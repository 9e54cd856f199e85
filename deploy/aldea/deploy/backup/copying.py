"""Copies one store as it is at one moment, while others write to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.backup.places import BackupError
from aldea.deploy.words import said

if TYPE_CHECKING:
    from sqlalchemy import URL

    from aldea.deploy.backup.places import Part

BUSY_SECONDS = 30


def copy_part(part: Part, target: Path) -> None:
    """Copy a part to `target`, as of one moment, and look whether the copy is sound. Raises BackupError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.kind == "postgresql":
        assert part.url is not None
        dump_postgresql(part.url, target)
        return
    assert part.path is not None
    try:
        if part.kind == "sqlite":
            copy_sqlite(part.path, target)
        else:
            shutil.copyfile(part.path, target)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(said("%(file)s can't be copied: %(why)s", file=part.path, why=error)) from error
    target.chmod(0o600)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database by SQLite's own backup, in one step: with its log, writers go on and are not seen.

    In steps of pages it would begin again with every commit of another process, and never end.
    """
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
        # One file instead of three: the copy needs no log of its own.
        writing.execute("PRAGMA journal_mode = DELETE")
    check_sqlite(target)


def check_sqlite(path: Path) -> None:
    """Raise BackupError when the file is not a sound database."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.Error as error:
        raise BackupError(said("%(file)s is not a sound database: %(why)s", file=path.name, why=error)) from error
    if found != ["ok"]:
        raise BackupError(said("%(file)s is damaged: %(why)s", file=path.name, why="; ".join(found)[:300]))


def dump_postgresql(url: URL, target: Path) -> None:
    """Write `pg_dump`'s own format, which is one snapshot. Raises BackupError."""
    _postgresql("pg_dump", url, "--format=custom", "--no-owner", "--file", str(target))
    target.chmod(0o600)


def restore_postgresql(url: URL, source: Path) -> None:
    """Replace what the database holds, all of it or nothing. Raises BackupError."""
    flags = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    _postgresql("pg_restore", url, *flags, str(source))


def find_program(program: str) -> str | None:
    """Return where a client program of PostgreSQL is: on the PATH, else the newest that Debian keeps aside."""
    aside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: path.parts[4].zfill(4))
    return shutil.which(program) or (str(aside[-1]) if aside else None)


def _postgresql(program: str, url: URL, *arguments: str) -> None:
    found = find_program(program)
    if found is None:
        raise BackupError(said("%(program)s is missing: install the package postgresql-client", program=program))
    # By the environment: a password on a command line can be read by everybody on the machine.
    named = [("PGHOST", url.host), ("PGPORT", url.port), ("PGUSER", url.username), ("PGPASSWORD", url.password)]
    queried = [(f"PG{name.upper()}", url.query.get(name)) for name in ("host", "port", "sslmode")]
    environ = os.environ | {name: str(value) for name, value in (*named, *queried) if value is not None}
    done = subprocess.run(  # noqa: S603 - the program was looked up, and no shell reads the arguments
        [found, "--no-password", "--dbname", url.database or "aldea", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or [said("it did not say why")])[-1]
        raise BackupError(said("%(program)s failed: %(why)s", program=program, why=why))
