"""What the probes' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from aldea.agents.probe import ProbeContext
from aldea.model.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def context(clock: ManualClock, tmp_path: Path) -> ProbeContext:
    """The real machine, with a clock that stands still."""
    return ProbeContext(clock, data=tmp_path)


@pytest.fixture
def machine(clock: ManualClock, tmp_path: Path) -> ProbeContext:
    """An empty machine: a root folder in which a test writes what /proc and /sys shall say."""
    root = tmp_path / "root"
    root.mkdir()
    return ProbeContext(clock, data=tmp_path, root=root)
