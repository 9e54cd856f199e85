"""Waiting for processes: they need their time, and it is bounded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def within(seconds: float, happened: Callable[[], Any], what: str) -> Any:
    """Return what `happened` says once it says something true; fail the test after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.2)
    pytest.fail(f"{what}: not within {seconds:g} s")
