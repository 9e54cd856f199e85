"""What every series store does, whichever it is: values in steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aldea.model.series import Aggregate, SeriesStore
from builders import START_MS, make_batch, make_row
from storage.series.asking import DAY, ask, gauge, only


@pytest.mark.parametrize("step", [300_000, 3_600_000, 7_200_000, DAY, 7 * DAY])
def test_steps_have_each_aggregate_and_start_at_multiples(store: SeriesStore, step: int) -> None:
    rng = np.random.default_rng(5)
    times = np.sort(rng.choice(3 * DAY, 400, replace=False))
    values = rng.integers(1, 1000, 400) / 100
    rows = [gauge(n + 1, int(t), float(v)) for n, (t, v) in enumerate(zip(times, values, strict=True))]
    store.write([make_batch(rows[:150]), make_batch(rows[150:])])
    expected: dict[int, list[float]] = {}
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        stamp = (START_MS + time) // step * step - START_MS
        expected.setdefault(stamp, []).append(value)
    figures: dict[Aggregate, Callable[[list[float]], float]] = {
        Aggregate.MEAN: lambda v: sum(v) / len(v),
        Aggregate.MIN: min,
        Aggregate.MAX: max,
        Aggregate.SUM: sum,
        Aggregate.COUNT: len,
        Aggregate.LAST: lambda v: v[-1],
    }
    for aggregate, figure in figures.items():
        found = only(ask(store, "load1", "host", step=step, aggregate=aggregate))
        assert [time for time, _ in found] == list(expected)
        assert [value for _, value in found] == pytest.approx([figure(v) for v in expected.values()])


def test_a_step_holds_only_what_is_in_the_range(store: SeriesStore) -> None:
    store.write([make_batch([gauge(n + 1, n * 600_000, float(n)) for n in range(12)])])
    found = only(ask(store, "load1", "host", start=600_000, end=4_200_000, step=3_600_000, aggregate=Aggregate.COUNT))
    assert found == [(0, 5.0), (3_600_000, 1.0)]


def test_flags_and_texts_have_steps_too(store: SeriesStore) -> None:
    rows = [
        make_row(n + 1, n * 1000, {"up": n % 3 == 0, "failure": f"word-{n}"}, measurement="interfaces")
        for n in range(6)
    ]
    store.write([make_batch(rows)])
    for aggregate, values in (
        (Aggregate.MEAN, [1 / 3, 1 / 3]),
        (Aggregate.SUM, [1.0, 1.0]),
        (Aggregate.MAX, [1.0, 1.0]),
        (Aggregate.LAST, [0.0, 0.0]),
    ):
        found = only(ask(store, "up", "interfaces", step=3000, aggregate=aggregate))
        assert [value for _, value in found] == pytest.approx(values)
    assert only(ask(store, "failure", "interfaces", step=3000, aggregate=Aggregate.LAST)) == [
        (0, "word-2"),
        (3000, "word-5"),
    ]
    assert only(ask(store, "failure", "interfaces", step=3000, aggregate=Aggregate.COUNT)) == [
        (0, 3.0),
        (3000, 3.0),
    ]
    with pytest.raises(ValueError, match="texts, which have no mean"):
        ask(store, "failure", "interfaces", step=3000, aggregate=Aggregate.MEAN)
