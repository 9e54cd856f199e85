"""A collector with a broker, and a meter that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collector.foreign.listening import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()
