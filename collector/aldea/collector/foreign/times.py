"""The publisher's own time. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aldea.collector.foreign.readings import DecodeError

UNITS = {"unix_s": 1_000.0, "unix_ms": 1.0, "unix_us": 1e-3, "unix_ns": 1e-6}
"""Milliseconds in one unit."""

FORMATS = (*UNITS, "iso")


def read_time(value: object, time_format: str, time_zone: str) -> int | None:
    """Return milliseconds since 1970; None for no time at all (null, empty). Raises DecodeError.

    An ISO time without a zone is a wall clock's in `time_zone`; of an hour that comes twice it is the first.
    """
    if value is None or value == "":
        return None
    if time_format == "iso":
        return _from_iso(value, time_zone)
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e20:
        raise DecodeError(f"its time {str(value)[:60]!r} is not {time_format}", "bad_time")
    if time_format == "unix_ns" and isinstance(value, int):
        return value // 1_000_000
    return round(number * UNITS[time_format])


def _from_iso(value: object, time_zone: str) -> int:
    try:
        read = datetime.fromisoformat(str(value).strip())
        aware = read if read.tzinfo is not None else read.replace(tzinfo=ZoneInfo(time_zone))
        since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise DecodeError(f"its time {str(value)[:60]!r} is not ISO 8601", "bad_time") from None
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
