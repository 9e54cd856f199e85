from __future__ import annotations

from pathlib import Path

import pytest

from agentkit.box import Browser, make_view
from aldea.agents.page.app import build_site
from aldea.model.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def browser(tmp_path: Path, clock: ManualClock) -> Browser:
    return Browser(build_site(make_view(tmp_path, clock)))
