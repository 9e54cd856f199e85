"""A clean register, and a country on it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aldea.storage.register import Register, open_register
from alertkit import Country

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def migrated_register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite register to copy."""
    path = tmp_path_factory.mktemp("alerts") / "register.db"
    register = open_register(f"sqlite:///{path}")
    register.migrate()
    register.close()
    return path


@pytest.fixture
def register(migrated_register: Path, tmp_path: Path) -> Iterator[Register]:
    """A clean register."""
    shutil.copy(migrated_register, tmp_path / "register.db")
    found = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    yield found
    found.close()


@pytest.fixture
def country(register: Register) -> Country:
    """A country without sites, whose collector is well."""
    made = Country(register)
    made.report()
    made.judge()
    return made
