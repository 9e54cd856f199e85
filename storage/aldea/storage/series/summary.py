"""Values to one figure a step: counts, sums, extremes and last values, on whole arrays.

A summary of hours folds into a summary of days without going back to the values, which is what makes hourly
rollups and raw rows give the same answer: both are folded by the same two functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aldea.model.columns import Floats, Ints
from aldea.model.series import Aggregate

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """One entry for each step that has values, in order of `starts` (milliseconds since 1970).

    `last_ms` is when the last value of the step was measured.
    """

    starts: Ints
    count: Ints
    total: Floats
    low: Floats
    high: Floats
    last: Floats
    last_ms: Ints

    def pick(self, aggregate: Aggregate) -> Floats:
        """Return the figure that `aggregate` asks for, one a step."""
        if aggregate is Aggregate.MEAN:
            means: Floats = self.total / self.count
            return means
        if aggregate is Aggregate.COUNT:
            return self.count.astype(np.float64)
        return {
            Aggregate.SUM: self.total,
            Aggregate.MIN: self.low,
            Aggregate.MAX: self.high,
            Aggregate.LAST: self.last,
        }[aggregate]


def step_firsts(times_ms: Ints, step_ms: int) -> tuple[Ints, NDArray[np.intp]]:
    """Return each step's start and the index of its first value; `times_ms` must be in order."""
    starts = times_ms - times_ms % step_ms
    firsts = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1])))
    return starts[firsts], firsts


def summarise(times_ms: Ints, values: Floats, step_ms: int) -> Summary:
    """Summarise values, which must be in order of time, by steps aligned to 1970."""
    if not len(times_ms):
        return empty_summary()
    starts, firsts = step_firsts(times_ms, step_ms)
    ends = np.append(firsts[1:], len(times_ms))
    return Summary(
        starts=starts,
        count=(ends - firsts).astype(np.int64),
        total=np.add.reduceat(values, firsts),
        low=np.minimum.reduceat(values, firsts),
        high=np.maximum.reduceat(values, firsts),
        last=values[ends - 1],
        last_ms=times_ms[ends - 1],
    )


def fold(parts: Summary, step_ms: int) -> Summary:
    """Fold summaries of shorter steps, in any order and with several for one start, into longer steps."""
    if not len(parts.starts):
        return parts
    order = np.lexsort((parts.last_ms, parts.starts))
    starts, firsts = step_firsts(parts.starts[order], step_ms)
    ends = np.append(firsts[1:], len(order)) - 1
    return Summary(
        starts=starts,
        count=np.add.reduceat(parts.count[order], firsts),
        total=np.add.reduceat(parts.total[order], firsts),
        low=np.minimum.reduceat(parts.low[order], firsts),
        high=np.maximum.reduceat(parts.high[order], firsts),
        last=parts.last[order][ends],
        last_ms=parts.last_ms[order][ends],
    )


def join(*parts: Summary) -> Summary:
    """Put summaries one behind the other, for `fold`."""
    return Summary(
        starts=np.concatenate([part.starts for part in parts]),
        count=np.concatenate([part.count for part in parts]),
        total=np.concatenate([part.total for part in parts]),
        low=np.concatenate([part.low for part in parts]),
        high=np.concatenate([part.high for part in parts]),
        last=np.concatenate([part.last for part in parts]),
        last_ms=np.concatenate([part.last_ms for part in parts]),
    )


def empty_summary() -> Summary:
    """Return the summary of nothing."""
    ints, floats = np.zeros(0, np.int64), np.zeros(0, np.float64)
    return Summary(ints, ints, floats, floats, floats, floats, ints)


def step_texts(times_ms: Ints, texts: list[str], step_ms: int, aggregate: Aggregate) -> tuple[Ints, Floats | list[str]]:
    """Return one entry a step for texts, which must be in order of time: how many (COUNT), or the last.

    Raises ValueError for the other aggregates, which texts do not have.
    """
    if aggregate not in (Aggregate.COUNT, Aggregate.LAST):
        raise ValueError(
            f"the field holds texts, which have no {aggregate.value}: read it with last or count, or without a step"
        )
    if not texts:
        return times_ms, []
    starts, firsts = step_firsts(times_ms, step_ms)
    ends = np.append(firsts[1:], len(texts))
    if aggregate is Aggregate.COUNT:
        return starts, (ends - firsts).astype(np.float64)
    return starts, [texts[int(end) - 1] for end in ends]
