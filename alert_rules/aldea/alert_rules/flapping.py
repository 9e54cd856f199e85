"""Flapping: a site that comes and goes so often that single messages would say nothing. Pure.

Source: Nagios Core, base/flapping.c: the newest 20 places where a state could have changed, weighted from 0.75 for
the oldest to 1.25 for the newest; from 20 % on it flaps, at 5 % or less it has stopped. A place here is a window of
one hold, and counts as a change when the state changed at all within it: else a site that comes and goes faster
than the windows could look steady.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOWS = 20
ENTER_RATIO = 0.20
LEAVE_RATIO = 0.05
WEIGHTS = tuple(0.75 + place * 0.5 / (WINDOWS - 1) for place in range(WINDOWS))


@dataclass(frozen=True, slots=True)
class Flap:
    """In which of the newest windows the state changed: bit 0 of `changes` is `window`, bit 19 the oldest."""

    window: int = 0
    changes: int = 0
    bad: bool = False
    flapping: bool = False

    @property
    def ratio(self) -> float:
        """The weighted share of windows with a change, 0 to 1."""
        newest = WINDOWS - 1
        return sum(WEIGHTS[newest - age] for age in range(WINDOWS) if self.changes >> age & 1) / WINDOWS


def observe(flap: Flap, at_ms: int, *, bad: bool | None, window_ms: int) -> Flap:
    """Return the history after a look at `at_ms` (None: a look that says nothing)."""
    window = at_ms // window_ms
    passed = min(max(window - flap.window, 0), WINDOWS)
    if not passed and (bad is None or bad == flap.bad):
        return flap
    changes = flap.changes << passed & (1 << WINDOWS) - 1
    if bad is not None and bad != flap.bad:
        changes |= 1
    moved = replace(flap, window=max(window, flap.window), changes=changes, bad=flap.bad if bad is None else bad)
    if not changes and not flap.changes:
        return replace(moved, flapping=False)
    ratio = moved.ratio
    flapping = ratio >= ENTER_RATIO if not flap.flapping else ratio > LEAVE_RATIO
    return replace(moved, flapping=flapping)


def next_look_ms(flap: Flap, window_ms: int) -> int | None:
    """Return when the share can fall without an event; None unless it matters."""
    return (flap.window + 1) * window_ms if flap.flapping else None
