"""From values to a drawing: paths that break where data is missing, bands where nothing is known.

The plot's own coordinates are 1000 wide and 100 high and are stretched to the space there is; everything else
is placed by percentages, so that letters keep their size on every screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aldea.model.columns import Floats, Ints

WIDTH = 1000.0
HEIGHT = 100.0
GAP_STEPS = 2.5
"""A hole longer than this many of the series' own steps is missing data, and is never bridged."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One series of a chart: what it is called, and its values in order of time."""

    label: str
    times_ms: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is drawn and the step of its values, milliseconds since 1970."""

    start_ms: int
    end_ms: int
    step_ms: int

    def x(self, at_ms: float) -> float:
        """Return the share of the width, 0 to 1, at which an instant stands."""
        return (at_ms - self.start_ms) / (self.end_ms - self.start_ms)


def usual_step(times_ms: Ints, step_ms: int) -> int:
    """Return how far apart the values usually are, at least `step_ms`."""
    if len(times_ms) < 3:
        return step_ms
    return max(step_ms, int(np.median(np.diff(times_ms))))


def pieces(times_ms: Ints, step_ms: int) -> list[tuple[int, int]]:
    """Return the index ranges (first, behind the last) between which data is missing."""
    if not len(times_ms):
        return []
    breaks = np.flatnonzero(np.diff(times_ms) > GAP_STEPS * usual_step(times_ms, step_ms)) + 1
    edges = [0, *(int(place) for place in breaks), len(times_ms)]
    return list(pairwise(edges))


def path(line: Line, window: Window, highest: float) -> str:
    """Return the SVG path of a line; a value that stands alone is drawn as a dot."""
    xs = np.round((line.times_ms - window.start_ms) / (window.end_ms - window.start_ms) * WIDTH, 1)
    ys = np.round(HEIGHT - np.clip(line.values / highest, 0, 1) * HEIGHT, 1)
    parts: list[str] = []
    for first, behind in pieces(line.times_ms, window.step_ms):
        points = [f"{x:g} {y:g}" for x, y in zip(xs[first:behind], ys[first:behind], strict=True)]
        parts.append(f"M{points[0]}" + ("h0" if len(points) == 1 else "L" + " ".join(points[1:])))
    return "".join(parts)


def holes(lines: Sequence[Line], window: Window) -> list[tuple[float, float]]:
    """Return where no line has data, as (share of the width at which it begins, share it takes)."""
    known = [line for line in lines if len(line.times_ms)]
    if not known:
        return [(0.0, 1.0)]
    covered: list[tuple[int, int]] = []
    for line in known:
        step = usual_step(line.times_ms, window.step_ms)
        for first, behind in pieces(line.times_ms, window.step_ms):
            covered.append((int(line.times_ms[first]), int(line.times_ms[behind - 1]) + step))
    found: list[tuple[float, float]] = []
    reach = window.start_ms
    step = min(usual_step(line.times_ms, window.step_ms) for line in known)
    for start, end in [*sorted(covered), (window.end_ms, window.end_ms)]:
        if start - reach > GAP_STEPS * step:
            found.append((window.x(reach), window.x(start) - window.x(reach)))
        reach = max(reach, end)
    return found


def condensed(line: Line, window: Window, row_ms: int) -> dict[int, float]:
    """Return the mean of each `row_ms` that has any value, by its start: the rows of the chart's table."""
    if not len(line.times_ms):
        return {}
    starts = line.times_ms // row_ms * row_ms
    keys, places = np.unique(starts, return_inverse=True)
    means = np.bincount(places, weights=line.values) / np.bincount(places)
    return {int(key): float(mean) for key, mean in zip(keys, means, strict=True) if key + row_ms > window.start_ms}
