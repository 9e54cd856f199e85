"""Python's garbage collector, set for a server that lives for months."""

from __future__ import annotations

import gc

OBJECTS_BETWEEN_LOOKS = 50_000


def settle_garbage() -> None:
    """Take all that exists now out of the collector's sight, and let it look seldom. Call it once, when started.

    The modules and caches of a started server never become garbage, yet every full look goes through all of them:
    about 0.1 s in which no request is answered and no batch taken. What is made later is still looked after.
    """
    gc.collect()
    gc.freeze()
    look_seldom()


def look_seldom() -> None:
    """Let the collector look seldom: while modules load, nothing becomes garbage, and looking takes a quarter."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, 20, 100)
