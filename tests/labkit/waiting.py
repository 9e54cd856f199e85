"""Waiting for what must come, and no longer than it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], missing: str, within_seconds: float = 120.0) -> Found:
    """Look until there is something, and return it. Raises AssertionError with `missing`."""
    deadline = time.monotonic() + within_seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{missing}, after {within_seconds:g} s")
        time.sleep(0.03)
    return found
