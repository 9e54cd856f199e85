"""Local time, cheaply enough for millions of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from aldea.model.columns import Ints
from aldea.simulator.plan import DAY_MS


@lru_cache(maxsize=16_384)
def _offset_on(timezone: str, day: int) -> int:
    """Return the zone's offset at noon UTC of a day since 1970, in milliseconds."""
    noon = datetime.fromtimestamp((day * DAY_MS + DAY_MS // 2) / 1000, UTC)
    shift = noon.astimezone(ZoneInfo(timezone)).utcoffset()
    assert shift is not None
    return round(shift.total_seconds() * 1000)


def local_offset_ms(timezone: str, at_ms: int) -> int:
    """Return what to add to UTC at `at_ms`. On a day when the clocks change it is the later offset all day."""
    return _offset_on(timezone, at_ms // DAY_MS)


def to_local_ms(timezone: str, times_ms: Ints) -> Ints:
    """Return local milliseconds (as if local time were UTC) of ascending times; see `local_offset_ms`."""
    if not len(times_ms):
        return times_ms
    days = times_ms // DAY_MS
    first = int(days[0])
    offsets = np.array([_offset_on(timezone, day) for day in range(first, int(days[-1]) + 1)], dtype=np.int64)
    local: Ints = times_ms + offsets[days - first]
    return local
