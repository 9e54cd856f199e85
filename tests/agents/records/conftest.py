"""A box with nothing in its book of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentkit.record_box import Box


@pytest.fixture
def box(tmp_path: Path) -> Any:
    found = Box(tmp_path)
    yield found
    found.close()
