from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentkit.box import Browser, make_view
from agentkit.facilitator import Site, facilitator
from aldea.agents.page.app import build_site
from aldea.model.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def browser(tmp_path: Path, clock: ManualClock) -> Browser:
    return Browser(build_site(make_view(tmp_path, clock)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with facilitator(tmp_path) as found:
        yield found
