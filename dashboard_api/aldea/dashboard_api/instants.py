"""Instants and durations as people and programs write them in an address."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
EARLIEST_MS = 0
LATEST_MS = 4_102_444_800_000
"""The years 1970 to 2100: anything else is a slip of the pen."""

_EXAMPLES = "write 2026-05-01T12:00:00Z, or a time before now such as -24h"


def iso(ms: int | None) -> str | None:
    """Return milliseconds since 1970 as ISO 8601 in UTC, to the millisecond where it has any."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    precision = "milliseconds" if ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def duration_ms(text: str) -> int:
    """Return `5m`, `1h`, `7d` in milliseconds. Raises ValueError with the end of a sentence."""
    found = re.fullmatch(r"(\d{1,9})(s|m|h|d|w)", text)
    if found is None:
        raise ValueError(f"is {text[:40]!r}: write a number with s, m, h, d or w, such as 5m or 1h")
    length = int(found[1]) * UNITS_MS[found[2]]
    if not length:
        raise ValueError("is zero: it must be longer")
    return length


def instant_ms(text: str, now_ms: int) -> int:
    """Return an instant (`now`, `-24h`, or ISO 8601 with its offset) in milliseconds since 1970.

    Raises ValueError with the end of a sentence, to be put behind the parameter's name.
    """
    if text == "now":
        return now_ms
    found = now_ms - duration_ms(text[1:]) if text.startswith("-") else _iso_ms(text)
    if not EARLIEST_MS <= found <= LATEST_MS:
        raise ValueError(f"is {text[:40]!r}, which is not between the years 1970 and 2100")
    return found


def _iso_ms(text: str) -> int:
    # A plus sign in an address arrives as a space.
    mended = re.sub(r" (\d\d:?\d\d)$", r"+\1", text)
    try:
        moment = datetime.fromisoformat(mended)
    except ValueError:
        raise ValueError(f"is {text[:40]!r}, which is not a time: {_EXAMPLES}") from None
    if moment.tzinfo is None:
        raise ValueError(f"is {text[:40]!r}, which has no offset from UTC: {_EXAMPLES}")
    return round(moment.timestamp() * 1000)
