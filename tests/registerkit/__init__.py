"""Clean registers for tests: migrated once in a run, since migrating takes longer than most tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from aldea.storage.register import open_register
from aldea.storage.register.tables import metadata


def clean_file(folder: Path) -> str:
    """Put a migrated SQLite register without any row into `folder`, unless one is there, and return its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "register.db"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


def migrate(url: str) -> str:
    """Migrate the register at `url`, and return its URL again."""
    register = open_register(url)
    register.migrate()
    register.close()
    return url


def empty(url: str) -> str:
    """Take every row out of the migrated PostgreSQL register at `url`, and return its URL again."""
    register = open_register(url)
    with register.transaction() as unit:
        names = ", ".join(metadata.tables)
        unit.connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    register.close()
    return url


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory(prefix="aldea-register-") as folder:
        path = Path(folder) / "register.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()
