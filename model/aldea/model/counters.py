"""Byte counters that only grow, except when they start again."""

from __future__ import annotations


def counter_delta(before: int, now: int) -> tuple[int, bool]:
    """Return (bytes since `before`, whether the counter was reset).

    A counter that went down has been reset, and what it shows now has passed since (as in
    Prometheus's `increase`). 64-bit counters are assumed; a 32-bit counter
    that wrapped is indistinguishable from a reset and is undercounted, never overcounted.
    """
    if now < before:
        return now, True
    return now - before, False
