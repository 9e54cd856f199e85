"""A judged site, and a web server that hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alert_rules.notify.servers import Web
from judgement.world import Judged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def web() -> Iterator[Web]:
    """Where the messages arrive."""
    with Web() as made:
        yield made


@pytest.fixture
def judged(tmp_path: Path, web: Web) -> Iterator[Judged]:
    """All of it."""
    made = Judged(tmp_path, web.url)
    yield made
    made.close()
