"""A release on trial as a child of the launcher."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

from aldea.agents.upgrading.child import start_child

if TYPE_CHECKING:
    import pytest


def test_a_child_asks_for_no_library_after_the_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks at the link may hang in a name meanwhile, and hold what a library is loaded under, for ever there."""
    here, found = os.getpid(), ctypes.CDLL

    def loaded(name: str | None) -> ctypes.CDLL:
        assert os.getpid() == here
        return found(name)

    monkeypatch.setattr(ctypes, "CDLL", loaded)
    assert start_child([sys.executable, "-c", ""], "trial").wait(60) == 0
