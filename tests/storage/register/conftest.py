"""A clean register on each of the two databases, for every test of this folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from aldea.storage.register import Register, open_register
from aldea.storage.register.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rigs.postgresql import PostgreSQL


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite register to copy."""
    path = tmp_path_factory.mktemp("register") / "migrated.db"
    register = open_register(f"sqlite:///{path}")
    register.migrate()
    register.close()
    return path


@pytest.fixture(scope="session")
def migrated_database(postgresql: PostgreSQL) -> str:
    """The URL of a migrated PostgreSQL register, emptied before each test."""
    url = postgresql.create_database("register_suite")
    register = open_register(url)
    register.migrate()
    register.close()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a clean, migrated register."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "register.db")
        return f"sqlite:///{tmp_path / 'register.db'}"
    found: str = request.getfixturevalue("migrated_database")
    register = open_register(found)
    with register.transaction() as unit:
        names = ", ".join(metadata.tables)
        unit.connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    register.close()
    return found


@pytest.fixture
def register(url: str) -> Iterator[Register]:
    """A clean register on SQLite, and on PostgreSQL."""
    found = open_register(url)
    yield found
    found.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'register.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create_database("register_empty")
