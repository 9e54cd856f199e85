"""A clean register on each of the two databases, for every test of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.storage.register import Register, open_register
from aldea.storage.register.sites import add_sites
from storage.register.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rigs.postgresql import PostgreSQL


@pytest.fixture
def register(register_url: str) -> Iterator[Register]:
    """A clean register on SQLite, and on PostgreSQL."""
    found = open_register(register_url)
    yield found
    found.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'register.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create_database("register_empty")


@pytest.fixture
def three_sites(register: Register) -> None:
    """Two real sites and a simulated one are in the register."""
    with register.transaction() as unit:
        add_sites(unit, [entry("norte"), entry("sur"), entry("demo", simulated=True)])
