"""A box that tries settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentkit.tried import Cuts, TriedBox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def box(tmp_path: Path) -> TriedBox:
    """One that runs with its machine's own settings."""
    made = TriedBox(tmp_path)
    made.start()
    return made


@pytest.fixture
def cuts() -> Iterator[Cuts]:
    """Power that goes when it is told to."""
    with pytest.MonkeyPatch.context() as patch, Cuts(patch) as made:
        yield made
