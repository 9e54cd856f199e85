"""The collector's parts on files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import Desk, make_register
from collectorkit.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.storage.register import Register


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A collector's parts."""
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteSeriesStore]:
    """The embedded series store."""
    made = SqliteSeriesStore(tmp_path / "series.db")
    yield made
    made.close()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    """A register that knows norte-01 and sur-02."""
    made = make_register(tmp_path, "norte-01", "sur-02")
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()
