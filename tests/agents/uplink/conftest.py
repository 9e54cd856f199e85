"""An outbox for a test of the agent's side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentkit.making import make_outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.agents.outbox import Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = make_outbox(tmp_path)
    yield made
    made.close()
