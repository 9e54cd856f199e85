"""Worlds that close their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from delivery.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An agent that has just booted, and a collector that knows its site."""
    made = World(tmp_path)
    yield made
    made.close()
