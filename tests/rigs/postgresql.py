"""A real PostgreSQL cluster of our own; the system's clusters are never touched."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import psycopg

from rigs.processes import LOOPBACK, RigError, ServerProcess, find_program, free_port

# Durability is the server's business; tests that kill the *server* of this rig would need these back.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "autovacuum": "off",
    "listen_addresses": LOOPBACK,
}


class PostgreSQL:
    """A cluster made by initdb, on a free port and a socket folder of its own, with trust authentication.

    It lives in a fresh folder directly under the system's temporary one: a socket's path may have 107 bytes,
    and when tests run as root the server runs as another user, who must be able to get there.
    """

    def __init__(self) -> None:
        self._programs = _server_programs()
        self._user = _unprivileged_user()
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="aldea-postgresql-"))
        self.role = "aldea"
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        self.process = ServerProcess(
            "postgres",
            [
                *(str(self._programs / "postgres"), "-D", str(self.folder / "cluster")),
                *(f"--port={self.port}", f"--unix_socket_directories={self.folder}", *settings),
            ],
            self.folder / "postgres.log",
            user=self._user,
            stop_signal=signal.SIGINT,  # "fast": open connections are closed
        )

    def start(self) -> Self:
        """Make the cluster when it is not there, start it, and wait until it takes queries."""
        if not (self.folder / "cluster").exists():
            self._init()
        self.process.start(self._takes_queries)
        return self

    def stop(self) -> None:
        """End the server; the cluster stays."""
        self.process.stop()

    def close(self) -> None:
        """End the server and remove the cluster."""
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, name: str) -> str:
        """Make an empty database, dropping an old one, and return SQLAlchemy's URL for it."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(_name(name)))
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(_name(name)))
        return f"postgresql+psycopg://{self.role}@{LOOPBACK}:{self.port}/{name}"

    def _address(self, database: str) -> str:
        return f"postgresql://{self.role}@{LOOPBACK}:{self.port}/{database}"

    def _takes_queries(self) -> bool:
        try:
            with psycopg.connect(self._address("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _init(self) -> None:
        command = [
            *(str(self._programs / "initdb"), "--auth=trust", f"--username={self.role}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D", str(self.folder / "cluster")),
        ]
        if self._user is not None:
            setpriv = find_program("setpriv", "util-linux")
            command = [
                *(setpriv, "--reuid", self._user, "--regid", self._user, "--init-groups", "--"),
                *command,
            ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd="/")
        if done.returncode != 0:
            raise RigError(f"initdb failed: {done.stderr.strip()}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _name(name: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(name)


def _server_programs() -> Path:
    """Return the folder of the newest installed server. Debian keeps it off the PATH."""
    found = [
        path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if path.parent.parent.name.isdigit()
    ]
    if found:
        return max(found, key=lambda folder: int(folder.parent.name))
    return Path(find_program("initdb", "postgresql")).resolve().parent


def _unprivileged_user() -> str | None:
    """Return whom the server must run as: None for ourselves; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    if "postgres" not in names:
        raise RigError(f"{getpass.getuser()} may not run PostgreSQL and there is no user postgres")
    return "postgres"
