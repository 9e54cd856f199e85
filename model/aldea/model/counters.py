"""Byte counters that only grow, except when they start again."""

from __future__ import annotations


def counter_delta(before: int, now: int) -> tuple[int, bool]:
    """Return (bytes since `before`, whether the counter was reset).

    A counter that went down has been reset, and what it shows now has passed since (as in
    Prometheus's `increase`). 64-bit counters are assumed; a 32-bit counter
    that wrapped looks like a reset and is undercounted, never overcounted (see `wrapping_delta`).
    """
    if now < before:
        return now, True
    return now - before, False


def wrapping_delta(before: int, now: int, most: int | None, bits: int = 32) -> tuple[int, bool]:
    """Return (bytes since `before`, whether the counter was reset) of a counter that begins again at 2**bits.

    `most`: no more than this can have passed, or None when nobody knows. A counter that went down by more than a
    wrap explains has been reset.
    """
    if now >= before:
        return now - before, False
    wrapped = now + 2**bits - before
    return (wrapped, False) if most is None or wrapped <= most else (now, True)
