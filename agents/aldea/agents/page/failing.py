"""What the log is told of a page that failed: where, and by what kind of error, never what somebody had typed."""

from __future__ import annotations

from traceback import extract_tb


def told(error: BaseException) -> str:
    """Return an error's kind and the lines it came by. Its own words may hold a name, and logs leave the box."""
    way = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(extract_tb(error.__traceback__))
    )
    return f"{type(error).__name__} at {way}"
