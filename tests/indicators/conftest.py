"""A clean register for each test of this folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aldea.storage.register import Register, open_register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register that has its tables, to be copied."""
    path = tmp_path_factory.mktemp("indicators") / "register.db"
    register = open_register(f"sqlite:///{path}")
    register.migrate()
    register.close()
    return path


@pytest.fixture
def register(tmp_path: Path, migrated: Path) -> Iterator[Register]:
    shutil.copy(migrated, tmp_path / "register.db")
    found = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    yield found
    found.close()
