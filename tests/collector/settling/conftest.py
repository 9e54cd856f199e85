"""A station for every test of this folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aldea.storage.register import open_register
from settlingkit.station import Station

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def blank_register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated register to copy."""
    path = tmp_path_factory.mktemp("settling") / "register.db"
    register = open_register(f"sqlite:///{path}")
    register.migrate()
    register.close()
    return path


@pytest.fixture
def station(tmp_path: Path, blank_register: Path) -> Iterator[Station]:
    """A station without sites."""
    shutil.copy(blank_register, tmp_path / "register.db")
    found = Station(tmp_path)
    yield found
    found.close()
