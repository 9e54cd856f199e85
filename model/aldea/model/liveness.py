"""The live guess about a site, from when it was last heard.

Heard is: a birth, or a batch of the live lane, at its arrival. A backlog is about the past and may be brought in
for a box that is dead, so it proves that a site lived only at the time of its newest row.
"""

from __future__ import annotations

from enum import StrEnum

SUSPECT_AFTER_SENDS = 2.5
DOWN_AFTER_SENDS = 3
DOWN_AFTER_AT_LEAST_MS = 15 * 60 * 1000


class SiteState(StrEnum):
    """What is believed of a site now."""

    UNKNOWN = "unknown"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"


def down_after_ms(send_seconds: int) -> int:
    """Return how long a site may be silent before it counts as down: three sends, 15 minutes at least."""
    return max(DOWN_AFTER_SENDS * send_seconds * 1000, DOWN_AFTER_AT_LEAST_MS)


def site_state(now_ms: int, last_heard_ms: int | None, send_seconds: int | None, *, online: bool | None) -> SiteState:
    """Return the live state of a site.

    `send_seconds` is the interval its agent declared (None: 300), `online` what presence hints (None:
    nothing). Never heard is `unknown`, not `down`. A lost presence makes a site suspect at once, never down.
    """
    if last_heard_ms is None:
        return SiteState.UNKNOWN
    interval = 300 if send_seconds is None else send_seconds
    silence = now_ms - last_heard_ms
    # What most sites are comes first: lists ask this of ten thousand. Suspect is always before down.
    if silence < SUSPECT_AFTER_SENDS * interval * 1000 and online is not False:
        return SiteState.UP
    return SiteState.DOWN if silence >= down_after_ms(interval) else SiteState.SUSPECT
