"""Alembic, which brings a register's tables to this version. Slow to load, so imported only when there is work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text as sql

from aldea.model.said import Said
from aldea.storage.register.errors import RegisterError

if TYPE_CHECKING:
    from aldea.storage.register.register import Unit

MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATION_LOCK = 4_715_001
"""The PostgreSQL advisory lock that makes starting processes migrate one after another."""


def upgrade(unit: Unit, name: str) -> None:
    """Run the migrations that are missing; `name` is the register's. Raises RegisterError for a newer one."""
    if unit.is_postgresql:
        unit.connection.execute(sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    config = migration_config()
    config.attributes["connection"] = unit.connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise RegisterError(
            Said(
                f"the register {name} was written by a newer Aldea ({error}): start that version",
                f"el registro {name} lo escribió un Aldea más nuevo ({error}): arrancar esa versión",
            )
        ) from error


def migration_config() -> Config:
    """Return Alembic's configuration for the migrations that ship inside this package."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
