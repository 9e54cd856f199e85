"""What the agent itself costs: memory, processor time, and what waits in its outbox."""

from __future__ import annotations

import ctypes
import os
import resource
from contextlib import suppress
from pathlib import Path

from aldea.agents.outbox import Stats
from aldea.model.sample import Reading

_M_ARENA_MAX = -8  # of malloc.h
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 20


def resident_bytes() -> int:
    """Return this process's resident memory: now where /proc tells, else its highest."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def use_one_arena() -> None:
    """Let all threads share one heap, where the C library can: each of its own costs 0.1 MB and more.

    Large blocks stay outside of it and are given back at once: else the 16 MB that a passphrase takes while it is
    tried become the heap's, for good.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_ARENA_MAX, 1)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def footprint(stats: Stats) -> Reading:
    """Return the `agent` reading."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Reading(
        "agent",
        {
            "rss_bytes": resident_bytes(),
            "cpu_seconds_total": used.ru_utime + used.ru_stime,
            "outbox_rows": stats.rows,
            "outbox_bytes": stats.used_bytes,
            "dead_letter_rows": stats.dead_letter_rows,
        },
    )
