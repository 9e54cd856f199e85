"""A station for every test of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from settlingkit.station import Station

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A station without sites."""
    found = Station(tmp_path)
    yield found
    found.close()
