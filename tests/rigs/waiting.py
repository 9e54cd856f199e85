"""Waiting for what another thread or process is about to do: it needs its time, and that is bounded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def eventually(is_true: Callable[[], object], within_seconds: float = 60.0) -> None:
    """Wait until something holds; fail the test where it does not in time."""
    deadline = time.monotonic() + within_seconds
    while not is_true():
        assert time.monotonic() < deadline, f"it did not happen within {within_seconds:g} s"
        time.sleep(0.01)
